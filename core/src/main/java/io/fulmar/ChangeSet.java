package io.fulmar;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The planned changes of one run, as a value: counts and reasons, not the changes themselves, which
 * stay in the state until they are delivered. Immutable.
 *
 * @param id names the plan for {@link SyncEngine#apply}
 * @param sync name of the sync
 * @param run number of the run that planned
 * @param snapshotAt the moment in the source (its clock) that the plan describes
 * @param rows rows that the model returned
 * @param syncedKeys keys of which the destination has accepted a version and that have not left
 *     under {@link Removal#IGNORE}
 * @param planned changes to send, per operation; every operation is present
 * @param held changes that are not sent because their key is quarantined or skipped in this version
 * @param ignored rows that left the model and are not sent, under {@link Removal#IGNORE}; counted
 *     once, when they leave
 * @param invalid rows with a NULL, ambiguous or too large key
 * @param invalidRows the first 100 invalid keys
 * @param samples keys of the first planned changes, at most 10 of each operation
 * @param guards what the guards object to, one sentence each; empty when all pass
 * @param columnChanges for each column of {@link Sync.Builder#remember}, under its name in the
 *     model and in the order in which they were named: in how many of the changed rows it differs
 *     from the version that was accepted last. Rows of which no values are remembered, or that are
 *     too large to be read, do not count
 * @param way how the changes were found
 */
public record ChangeSet(
    String id,
    String sync,
    long run,
    Instant snapshotAt,
    long rows,
    long syncedKeys,
    Map<Operation, Long> planned,
    long held,
    long ignored,
    long invalid,
    List<InvalidRow> invalidRows,
    List<Sample> samples,
    List<String> guards,
    Map<String, Long> columnChanges,
    Way way) {
  /** Copies the collections. */
  public ChangeSet {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(sync, "sync");
    Objects.requireNonNull(snapshotAt, "snapshotAt");
    planned = Map.copyOf(planned);
    invalidRows = List.copyOf(invalidRows);
    samples = List.copyOf(samples);
    guards = List.copyOf(guards);
    columnChanges = Collections.unmodifiableMap(new LinkedHashMap<>(columnChanges));
    Objects.requireNonNull(way, "way");
  }

  /**
   * A planned change, for a look at what a plan is about.
   *
   * @param operation what is planned
   * @param key the key columns with their values; {@code toString()} shows none of them
   */
  public record Sample(Operation operation, Row key) {}

  /**
   * How the changes of a plan were found. Whichever way it was, they are the same changes.
   *
   * @param kind what was looked at
   * @param reason why it was this way, without a full stop and without values: {@code "the table
   *     has row security"}
   */
  public record Way(Kind kind, String reason) {
    /** The standard engine's. */
    public static final Way READ = new Way(Kind.READ, "this engine reads the model");

    /** The standard engine's, where nothing has changed. */
    public static final Way SUM =
        new Way(Kind.SUM, "the rows add up to what the accepted ones add up to");

    /** Checks that nothing is missing. */
    public Way {
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(reason, "reason");
    }

    /** What was looked at; in the log in lower case. */
    public enum Kind {
      /** Every row was read out of the database, and compared outside it. */
      READ,
      /** Every row was compared in the database. */
      FULL,
      /** Only rows were compared that were written since an earlier plan, and what is held. */
      DELTA,
      /**
       * Every row was added up in the database, and the sum is that of the accepted rows: nothing
       * has changed, up to one chance in 2^64.
       */
      SUM
    }
  }

  /** How many changes of this operation are planned. */
  public long planned(Operation operation) {
    return planned.getOrDefault(Objects.requireNonNull(operation, "operation"), 0L);
  }

  /** How many changes are planned in all. */
  public long total() {
    return planned.values().stream().mapToLong(Long::longValue).sum();
  }
}
