package io.fulmar.testkit.network;

import java.time.Duration;
import java.util.Objects;

/**
 * How bytes travel one way between two ends.
 *
 * @param latency how long each takes at least, 0 or more
 * @param jitter how much longer it may take, by chance, 0 or more
 * @param sliceBytes how many go into one packet at most, 1 or more
 * @param bytesPerSecond how many go in a second at most, 1 or more
 */
public record Traffic(Duration latency, Duration jitter, int sliceBytes, long bytesPerSecond) {
  /** At once, as they come. */
  public static final Traffic PLAIN =
      new Traffic(Duration.ZERO, Duration.ZERO, Integer.MAX_VALUE, Long.MAX_VALUE);

  /** Checks the bounds. */
  public Traffic {
    Objects.requireNonNull(latency, "latency");
    Objects.requireNonNull(jitter, "jitter");
    if (latency.isNegative()) {
      throw new IllegalArgumentException("latency must be at least PT0S, is " + latency);
    } else if (jitter.isNegative()) {
      throw new IllegalArgumentException("jitter must be at least PT0S, is " + jitter);
    } else if (sliceBytes < 1) {
      throw new IllegalArgumentException("sliceBytes must be at least 1, is " + sliceBytes);
    } else if (bytesPerSecond < 1) {
      throw new IllegalArgumentException("bytesPerSecond must be at least 1, is " + bytesPerSecond);
    }
  }

  /**
   * As over a long way.
   *
   * @param latency how long each byte takes at least, one way
   * @param jitter how much longer it may take
   */
  public static Traffic late(Duration latency, Duration jitter) {
    return new Traffic(latency, jitter, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  /**
   * In packets of so many bytes.
   *
   * @param bytes 1 or more
   */
  public static Traffic sliced(int bytes) {
    return new Traffic(Duration.ZERO, Duration.ZERO, bytes, Long.MAX_VALUE);
  }

  /**
   * As over a thin line.
   *
   * @param bytesPerSecond 1 or more
   */
  public static Traffic thin(long bytesPerSecond) {
    return new Traffic(Duration.ZERO, Duration.ZERO, Integer.MAX_VALUE, bytesPerSecond);
  }
}
