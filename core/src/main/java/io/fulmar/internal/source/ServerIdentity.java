package io.fulmar.internal.source;

import java.time.Instant;
import java.util.List;

/**
 * Which database a snapshot was taken of, and where its history stood.
 *
 * @param at the moment of the snapshot, by the server's clock
 * @param database name of the database
 * @param system system identifier of the cluster
 * @param timeline timeline of the cluster: another one after a promotion or a restore
 * @param position position in the write-ahead log, in bytes
 */
public record ServerIdentity(
    Instant at, String database, long system, int timeline, long position) {
  /**
   * What speaks for it that a later snapshot is not of the same source, as it went on; empty for
   * nothing.
   *
   * @param now the later one
   */
  public List<String> objections(ServerIdentity now) {
    if (system != now.system() || !database.equals(now.database())) {
      return List.of(
          "the source is another database (%s in cluster %s) than before (%s in cluster %s)"
              .formatted(now.database(), now.system(), database, system));
    }
    if (now.position() < position) {
      return List.of(
          "the source went back in time: its log stands at %s (timeline %s), the last run saw %s (timeline %s)"
              .formatted(now.position(), now.timeline(), position, timeline));
    }
    return List.of();
  }
}
