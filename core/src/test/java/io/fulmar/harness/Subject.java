package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.spi.Batch;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link History} happens to: a source, and a way to run a sync of it. */
public interface Subject extends AutoCloseable {
  /** The clock that the runs go by. */
  ManualClock clock();

  /**
   * The model of all rows.
   *
   * @param mapping models of another number have other columns, so that every row is due again
   */
  Model model(int mapping);

  /** Replaces the rows of the source, in one transaction. */
  void source(List<SourceRow> rows);

  /**
   * Runs the sync in a new process.
   *
   * @param sync what to run
   * @param planId the plan to apply; null to plan anew
   * @param death when the process dies
   */
  Ended run(Sync sync, @Nullable String planId, Death death);

  /**
   * Plans in a new process.
   *
   * @param sync what to plan
   */
  ChangeSet plan(Sync sync);

  /** Cancels the run that is going on. */
  void cancel(Sync sync);

  /** Where the sync stands. */
  SyncStatus status(Sync sync);

  /**
   * A call of the destination begins.
   *
   * @return the moment until which it may act by what is on record, in ms; empty if the subject
   *     cannot tell
   */
  default Optional<Long> reservedUntil(Batch batch) {
    return Optional.empty();
  }

  /** Everything that is remembered, by key; empty if the subject cannot tell. */
  default Optional<Map<String, Remembered>> memory() {
    return Optional.empty();
  }

  /** What the subject itself has to object to, one sentence each. */
  default List<String> objections() {
    return List.of();
  }

  @Override
  void close();

  /**
   * How a run ended.
   *
   * @param report what it said; null if the process died or the run threw
   * @param folded whether its fold took effect
   * @param thrown what came out instead of a report; null for nothing
   */
  record Ended(@Nullable SyncReport report, boolean folded, @Nullable Throwable thrown) {}
}
