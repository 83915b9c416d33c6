package io.fulmar.internal.source;

import io.fulmar.internal.sql.Identifier;
import java.time.Duration;
import java.util.List;

/**
 * What a session may do in its transaction, which sees one snapshot either way. Immutable.
 *
 * @param mode whether it may write
 * @param idle the server ends the transaction if nothing is asked of it for so long
 * @param locked tables that are locked in ACCESS SHARE mode before the snapshot is taken, so that
 *     what it shows of them is not emptied in between
 */
public record Access(Mode mode, Duration idle, List<Identifier> locked) {
  /** Whether a transaction may write. */
  public enum Mode {
    /** It takes no writes. */
    READ,
    /** It may write, as far as its role may. */
    WRITE
  }

  /** Nothing is written. */
  public static final Access READ = new Access(Mode.READ, Duration.ofMinutes(5), List.of());

  /** Copies the list. */
  public Access {
    locked = List.copyOf(locked);
  }

  /**
   * Something is written.
   *
   * @param idle the server ends the transaction if nothing is asked of it for so long
   */
  public static Access write(Duration idle) {
    return new Access(Mode.WRITE, idle, List.of());
  }

  /** The same, with tables locked before the snapshot. */
  public Access locking(List<Identifier> tables) {
    return new Access(mode, idle, tables);
  }
}
