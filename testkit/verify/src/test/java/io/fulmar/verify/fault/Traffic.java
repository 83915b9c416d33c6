package io.fulmar.verify.fault;

import java.time.Duration;

/**
 * How bytes travel one way between two ends.
 *
 * @param latency how long each takes at least
 * @param jitter how much longer it may take, by chance
 * @param sliceBytes how many go into one packet at most
 * @param bytesPerSecond how many go in a second at most
 */
public record Traffic(Duration latency, Duration jitter, int sliceBytes, long bytesPerSecond) {
  /** At once, as they come. */
  public static final Traffic PLAIN =
      new Traffic(Duration.ZERO, Duration.ZERO, Integer.MAX_VALUE, Long.MAX_VALUE);

  /** As over a long way. */
  public static Traffic late(Duration latency, Duration jitter) {
    return new Traffic(latency, jitter, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  /** In packets of so many bytes. */
  public static Traffic sliced(int bytes) {
    return new Traffic(Duration.ZERO, Duration.ZERO, bytes, Long.MAX_VALUE);
  }

  /** As over a thin line. */
  public static Traffic thin(long bytesPerSecond) {
    return new Traffic(Duration.ZERO, Duration.ZERO, Integer.MAX_VALUE, bytesPerSecond);
  }

  boolean isPlain() {
    return equals(PLAIN);
  }
}
