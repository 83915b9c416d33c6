package io.fulmar.internal.lines;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import io.fulmar.internal.json.RowJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;

/**
 * Finds where the last whole batch of a file ends. What comes after it was never acknowledged: a
 * batch is durable before it is, and before the next one is begun.
 */
final class Tail {
  private static final int BLOCK = 64 << 10;

  private final FileChannel channel;
  private final RowJson json;
  private final ByteBuffer block = ByteBuffer.allocate(BLOCK);
  private long blockAt = -1;

  Tail(FileChannel channel, RowJson json) {
    this.channel = channel;
    this.json = json;
  }

  /** The file does not end as one that was written here, so nothing of it may be cut off. */
  static final class ForeignException extends Exception {
    private static final long serialVersionUID = 1L;

    ForeignException(String fact) {
      super(fact);
    }
  }

  /**
   * The length that the file has without what a crash left behind its last whole batch.
   *
   * @throws ForeignException if that cannot be told
   */
  long wholeBatches() throws IOException, ForeignException {
    long size = channel.size();
    long end = lineStart(size);
    if (end < size) {
      refuseForeignPiece(end, size);
    }
    while (end > 0) {
      long start = lineStart(end - 1);
      int more = more(start, end);
      if (more < 0 && !holdsZeros(start, end)) {
        throw new ForeignException("a line in its end was not written by Fulmar");
      }
      if (more == 0) {
        return checked(end, size);
      }
      end = start;
    }
    return 0;
  }

  /** The batch whose last line ends there; if a crash came before it was durable, it goes, too. */
  private long checked(long end, long size) throws IOException, ForeignException {
    long start = end;
    boolean isWhole = true;
    int expected = 0;
    while (start > 0) {
      long before = lineStart(start - 1);
      int more = more(before, start);
      if (more == 0 && expected > 0) {
        break; // the end of the batch before
      }
      isWhole &= more == expected && isObject(before, start);
      expected++;
      start = before;
    }
    if (!isWhole && end < size) {
      // A later batch was begun, so this one had been durable.
      throw new ForeignException("a batch before its last one is damaged");
    }
    return isWhole ? end : start;
  }

  private void refuseForeignPiece(long start, long end) throws IOException, ForeignException {
    byte[] first = bytes(start, Math.min(end, start + Line.LONGEST_BEGINNING));
    if (!Line.startsLikeOne(first, first.length) && !holdsZeros(start, end)) {
      throw new ForeignException("its last line has no end and was not written by Fulmar");
    }
  }

  private int more(long start, long end) throws IOException {
    byte[] first = bytes(start, Math.min(end, start + Line.LONGEST_BEGINNING + 1));
    return Line.more(first, first.length);
  }

  /** Whether the file system has zeros where bytes never came to be written; JSON has none. */
  private boolean holdsZeros(long start, long end) throws IOException {
    for (long at = start; at < end; at++) {
      if (at(at) == 0) {
        return true;
      }
    }
    return false;
  }

  private boolean isObject(long start, long end) throws IOException {
    try (JsonParser parser = json.parser(new String(bytes(start, end), StandardCharsets.UTF_8))) {
      while (parser.nextToken() != null) {
        // to its end
      }
      return true;
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  /** Where the line begins that goes up to here: behind the last line feed before, or at 0. */
  private long lineStart(long end) throws IOException {
    for (long at = end - 1; at >= 0; at--) {
      if (at(at) == '\n') {
        return at + 1;
      }
    }
    return 0;
  }

  private byte at(long position) throws IOException {
    long wanted = position / BLOCK;
    if (wanted != blockAt) {
      block.clear();
      readFully(block, wanted * BLOCK);
      blockAt = wanted;
    }
    return block.get((int) (position % BLOCK));
  }

  private byte[] bytes(long start, long end) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(end - start)];
    readFully(ByteBuffer.wrap(bytes), start);
    return bytes;
  }

  private void readFully(ByteBuffer into, long position) throws IOException {
    long at = position;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      if (count < 0) {
        break;
      }
      at += count;
    }
  }
}
