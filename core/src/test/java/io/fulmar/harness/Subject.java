package io.fulmar.harness;

import io.fulmar.Model;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.spi.Batch;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a {@link History} happens to: a source, and an engine for syncs of it. */
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
   * Asks something of the engine of a new process.
   *
   * @param request what is asked
   * @param death when the process dies
   */
  Ended ask(Function<SyncEngine, ?> request, Death death);

  /** Cancels the run that is going on. */
  void cancel(Sync sync);

  /** Where the sync stands; asked from outside, also while it runs. */
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
   * How a request ended.
   *
   * @param answer what came out; null if nothing did, the process died or the request was refused
   * @param effects what it did to the store
   * @param died whether the process died
   * @param kept the id of the plan that it keeps for approval; null for none
   * @param thrown what came out instead of an answer; null for nothing
   */
  record Ended(
      @Nullable Object answer,
      Set<Effect> effects,
      boolean died,
      @Nullable String kept,
      @Nullable Throwable thrown) {
    /** The report, if the answer is one. */
    @Nullable SyncReport report() {
      return answer instanceof SyncReport report ? report : null;
    }

    /** Whether something took effect. */
    boolean did(Effect effect) {
      return effects.contains(effect);
    }

    /** Whether a run was left to the next one to recover. */
    boolean isLeftOpen() {
      return did(Effect.OPENED) && !did(Effect.FOLDED);
    }
  }
}
