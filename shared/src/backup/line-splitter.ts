/** Splits bytes into lines of UTF-8 text. Lines that are longer than the bound are refused before they fill the memory. */
export class LineSplitter {
  /** Bytes that one line may have. */
  limit: number;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private rest: Buffer[] = [];
  private restBytes = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * The lines that end in these bytes, each with its line break in `bytes`.
   * @throws RangeError when a line is too long; TypeError when one is no UTF-8
   */
  *push(bytes: Buffer): Generator<{ readonly text: string; readonly bytes: Buffer }> {
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, from)) {
      const tail = bytes.subarray(from, end + 1);
      const line = this.restBytes === 0 ? tail : Buffer.concat([...this.rest, tail]);
      this.rest = [];
      this.restBytes = 0;
      from = end + 1;
      this.check(line.length);
      yield { text: this.decoder.decode(line.subarray(0, -1)), bytes: line };
    }
    if (from === bytes.length) return;
    this.rest.push(bytes.subarray(from));
    this.restBytes += bytes.length - from;
    this.check(this.restBytes);
  }

  /** Whether there are bytes after the last line break. */
  get unfinished(): boolean {
    return this.restBytes > 0;
  }

  private check(bytes: number): void {
    if (bytes > this.limit) throw new RangeError(`the line has more than ${this.limit} bytes`);
  }
}
