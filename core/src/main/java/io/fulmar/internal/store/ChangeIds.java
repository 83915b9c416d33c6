package io.fulmar.internal.store;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.Operation;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Makes the ids of changes: hashes of the incarnation of a sync, key, operation, content and the
 * number of the run that first plans the change. Used by one thread.
 */
public final class ChangeIds {
  private static final int REST = 25;

  private final Hasher128 hasher;
  private byte[] buffer = new byte[256];

  /**
   * A maker of ids.
   *
   * @param incarnation random, made with the state
   */
  public ChangeIds(String incarnation) {
    this.hasher = Hashing.xxh3_128(Hashing.xxh3_64().hashCharsToLong(incarnation));
  }

  /**
   * The id of a change.
   *
   * @param key holds the image of the key
   * @param from where it begins
   * @param length how many bytes it has
   * @param operation what happened
   * @param version what the change brings; null for a removal
   * @param run the first that plans it
   */
  public Version of(
      byte[] key, int from, int length, Operation operation, @Nullable Version version, long run) {
    if (buffer.length < length + REST) {
      buffer = new byte[2 * (length + REST)];
    }
    ByteBuffer.wrap(buffer)
        .put(key, from, length)
        .put((byte) operation.ordinal())
        .putLong(version == null ? 0 : version.high())
        .putLong(version == null ? 0 : version.low())
        .putLong(run);
    HashValue128 id = hasher.hashBytesTo128Bits(buffer, 0, length + REST);
    return new Version(id.getMostSignificantBits(), id.getLeastSignificantBits());
  }

  /** An id as destinations see it: 32 hexadecimal digits. */
  public static String text(Version id) {
    byte[] bytes = ByteBuffer.allocate(16).putLong(id.high()).putLong(id.low()).array();
    return HexFormat.of().formatHex(bytes);
  }
}
