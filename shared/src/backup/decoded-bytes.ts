import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

/** Bytes that are read at once. */
const CHUNK_BYTES = 64 * 1024;
const GZIP_MAGIC = 0x1f8b;

/**
 * What a file has, decompressed where it is compressed. The decompressor has a thread of its own, which rests while its output is
 * looked at: reading a backup takes one core and leaves the others to whoever has to answer.
 * @param onBytes told of the bytes of the file itself
 * @throws Error what zlib says of a file that is truncated or altered; what the file system says
 */
export async function* decodedBytes(handle: FileHandle, onBytes: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
  const chunks = fileChunks(handle, onBytes);
  const first = await chunks.next();
  if (first.done === true) return;
  if (first.value.length < 2 || first.value.readUInt16BE(0) !== GZIP_MAGIC) {
    yield first.value;
    yield* chunks;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 4 * CHUNK_BYTES });
  const decoded: Buffer[] = [];
  gunzip.on('data', (bytes: Buffer) => decoded.push(bytes));
  const ended = once(gunzip, 'end').then(() => true);
  // Whoever writes next is told.
  ended.catch(() => undefined);
  try {
    for (let chunk: Buffer | undefined = first.value; chunk !== undefined; ) {
      // It does not take what lies behind the end of what was compressed, nor say so.
      const over = await Promise.race([written(gunzip, chunk), ended]);
      yield* decoded.splice(0);
      if (over) return;
      const next: IteratorResult<Buffer> = await chunks.next();
      chunk = next.done === true ? undefined : next.value;
    }
    gunzip.end();
    await ended;
    yield* decoded.splice(0);
  } finally {
    gunzip.destroy();
  }
}

function written(gunzip: ReturnType<typeof createGunzip>, chunk: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    // An error comes out of its end.
    gunzip.write(chunk, (error) => {
      if (error == null) resolve(false);
    });
  });
}

async function* fileChunks(handle: FileHandle, onBytes: (bytes: Buffer) => void): AsyncGenerator<Buffer, undefined> {
  for (let at = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
    const bytes = buffer.subarray(0, bytesRead);
    onBytes(bytes);
    yield bytes;
  }
}
