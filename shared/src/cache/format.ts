/** The public cache format as code: subpath `forewarm/format`. Pure, without connections. */

export type { CacheEvent } from './events';
export { parseEvent } from './events';
export type { Axis, Coordinates } from './grid';
export { cellCount, cellIndex, coordinatesOf } from './grid';
export { CATEGORY_MAX_BYTES, categoryFault, KeySpace } from './keys';
export type { CycleState, LivePointer, Metadata } from './pointer';
export { parseLivePointer, parseMetadata } from './pointer';
export type { DecodedRow, Row, RowFault, RowFrame, RowShape } from './row';
export { cellByteRange, decodeRow, encodeRow, ROW_HEADER_BYTES, rowByteLength } from './row';
