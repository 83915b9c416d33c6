package io.fulmar.testkit.internal.network;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Cuts what a server sends into its messages, each with type and length (PostgreSQL manual,
 * "Message Formats"). Used by one thread.
 */
final class BackendMessages {
  private static final int HEADER = 5;

  private byte[] rest = {};

  /** The messages that are whole now; what is not waits for the next call. */
  List<byte[]> take(byte[] bytes, int length) {
    byte[] all = Arrays.copyOf(rest, rest.length + length);
    System.arraycopy(bytes, 0, all, rest.length, length);
    List<byte[]> messages = new ArrayList<>();
    int at = 0;
    while (all.length - at >= HEADER) {
      int end = at + 1 + ByteBuffer.wrap(all, at + 1, 4).getInt();
      if (end > all.length) {
        break;
      }
      messages.add(Arrays.copyOfRange(all, at, end));
      at = end;
    }
    rest = Arrays.copyOfRange(all, at, all.length);
    return messages;
  }
}
