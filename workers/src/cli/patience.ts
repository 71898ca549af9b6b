/** Milliseconds that a command gives a store to answer: with the program's own start that makes less than two seconds. */
export const CONNECT_MS = 1_200;
