package io.fulmar.internal.standard;

import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes the plans of one run: reads the model in one snapshot, joins it with the state, and writes
 * down what follows. Not threadsafe, but for {@link #cancel}.
 */
final class Planning {
  private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final int PROGRESS_ROWS = 4_096;

  private final StandardStore store;
  private final Sync sync;
  private final StateDirectory directory;
  private final SyncFile file;
  private final long run;
  private final Cancellation cancellation = new Cancellation();
  private boolean resynced;

  /**
   * A maker of plans.
   *
   * @param store where models are read
   * @param sync what is planned
   * @param directory where the state is
   * @param file what is known of the sync; its epoch may grow
   * @param run its number
   */
  Planning(StandardStore store, Sync sync, StateDirectory directory, SyncFile file, long run) {
    this.store = store;
    this.sync = sync;
    this.directory = directory;
    this.file = file;
    this.run = run;
  }

  private long now() {
    return store.clock().millis();
  }

  /** Ends a plan that is being made, or is made later. May be called by any thread. */
  void cancel() {
    cancellation.cancel();
  }

  /** See {@link io.fulmar.internal.store.Claim#plan}. */
  PlanHead plan(PlanRequest request, LongConsumer progress) {
    try {
      if (request.kind() == PlanRequest.Kind.RESYNC && !resynced) {
        file.epoch++;
        file.version++;
        file.write(directory);
        directory.passed(CrashPoint.EPOCH_GROWN);
        resynced = true;
      }
      boolean readsAll =
          sync.mode() == SyncMode.ALL
              || request.keys() != null
              || request.kind() == PlanRequest.Kind.RESYNC
              || (request.kind() == PlanRequest.Kind.RESET && !sync.remembered().isEmpty())
              || request.kind() == PlanRequest.Kind.FILL;
      try {
        return plan(request, progress, readsAll ? 0 : store.diffBytes());
      } catch (Diff.FilterMissed e) {
        return plan(request, progress, 0);
      }
    } catch (Diff.FilterMissed e) {
      throw new IllegalStateException("without a filter nothing is missed", e);
    } catch (DamagedException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    } catch (IOException e) {
      throw new StateException(
          "Cannot keep the plan of %s in %s: %s. Make room or mend the disk; nothing was sent. [sync=%s run=%s]"
              .formatted(sync.name(), directory.path(), StandardStore.reason(e), sync.name(), run),
          e);
    }
  }

  private PlanHead plan(PlanRequest request, LongConsumer progress, long filterBytes)
      throws IOException, Diff.FilterMissed {
    PlanFiles.delete(directory.plan(run));
    PlanHead head = new PlanHead();
    head.request = request.kind();
    head.extent = request.keys() == null ? Extent.WHOLE : Extent.PART;
    boolean done = false;
    try (StateFile state = StandardClaim.openState(sync, directory, file);
        Reading reading = read(head, state, request, filterBytes, progress)) {
      if (reading.diff != null) {
        reading.diff.join();
      }
      reading.sums.keep();
      finish(head);
      done = true;
      return head;
    } finally {
      Files.deleteIfExists(directory.scratch(run));
      if (!done) {
        PlanFiles.delete(directory.plan(run));
      }
    }
  }

  /**
   * What was read.
   *
   * @param diff what has the rows; null if they are those that were accepted, and were not read
   * @param sums what they add up to
   */
  private record Reading(@Nullable Diff diff, SumCheck sums) implements Closeable {
    @Override
    public void close() throws IOException {
      if (diff != null) {
        diff.close();
      }
    }
  }

  /** Reads the model in one snapshot; the transaction is over when this returns. */
  private Reading read(
      PlanHead head,
      @Nullable StateFile state,
      PlanRequest request,
      long filterBytes,
      LongConsumer progress)
      throws IOException {
    String about = "[sync=" + sync.name() + " run=" + run + "]";
    try (Snapshot snapshot =
        store.snapshot(sync.model(), PlanTerms.application(sync, run), about, cancellation)) {
      head.server = snapshot.server();
      ModelShape shape = UsedColumns.of(snapshot.shape(), sync, about);
      begin(head, shape);
      progress.accept(0);
      SumCheck sums =
          new SumCheck(sync, file, request, head, snapshot, shape, store.leastRowsToAddUp());
      if (sums.isUnchanged()) {
        progress.accept(head.rows);
        return new Reading(null, sums);
      }
      TagFilter filter = state == null ? null : TagFilter.of(state, filterBytes);
      Diff diff =
          new Diff(
              directory,
              head,
              state,
              shape,
              StandardClaim.rules(sync, file, head),
              filter,
              seeds(file, sync, shape),
              now());
      try {
        if (request.keys() != null) {
          diff.only(snapshot.only(request.keys()));
        }
        read(snapshot, shape, diff, progress);
        sums.read(filter == null ? null : diff.knowsAll());
        return new Reading(diff, sums);
      } catch (IOException | RuntimeException e) {
        diff.close();
        throw e;
      }
    }
  }

  private void begin(PlanHead head, ModelShape shape) {
    head.sync = sync.name();
    head.run = run;
    head.stateVersion = file.version;
    head.destination = file.destination;
    head.key = shape.keySignature();
    head.fingerprint = shape.fingerprint();
    head.mode = sync.mode();
    head.removal = sync.removal();
    head.rowShape = shape.rowShape();
    head.keyShape = shape.keyShape();
    head.remembered = Remembered.of(shape, sync.remembered());
    head.columnChanges = new long[sync.remembered().size()];
    head.live = file.live;
    head.objections = objections(head.server);
    head.definition = PlanTerms.definition(sync, head.fingerprint);
    head.change = file.definitions.change(head.definition);
    head.madeAt = now();
    boolean beginsAnew =
        head.request == PlanRequest.Kind.RESET || head.request == PlanRequest.Kind.FILL;
    if (!beginsAnew && !file.key.isEmpty() && !file.key.equals(head.key)) {
      throw Refusal.key(sync, run, file.key, head.key);
    }
  }

  /** What speaks for it that this is not the source that the state was made from, as it went on. */
  private List<String> objections(ServerIdentity server) {
    return file.system == 0 ? List.of() : file.server().objections(server);
  }

  private void read(Snapshot snapshot, ModelShape shape, Diff diff, LongConsumer progress)
      throws IOException {
    long[] seen = new long[2];
    seen[1] = System.nanoTime();
    snapshot.rows(
        shape,
        sync.maxRowBytes(),
        (buffer, from, to, fields) -> {
          diff.row(buffer, from, to, fields);
          if (++seen[0] % PROGRESS_ROWS == 0 && System.nanoTime() - seen[1] > PROGRESS_NANOS) {
            seen[1] = System.nanoTime();
            progress.accept(seen[0]);
          }
        });
    progress.accept(seen[0]);
  }

  /** What is stored under another fingerprint, mapping or epoch equals nothing. */
  static Diff.Seeds seeds(SyncFile file, Sync sync, ModelShape shape) {
    String ofRows = PlanTerms.rowSeed(file.secret, file.epoch, sync, shape);
    return new Diff.Seeds(Hashing.xxh3_64().hashCharsToLong(ofRows), file.incarnation);
  }

  /** Makes the plan count, unless there is nothing in it. */
  private void finish(PlanHead head) throws IOException {
    if (head.total() == 0 && head.effects() == 0) {
      return;
    }
    // The ledger, the next state and its plan must fit too; nothing has been sent yet.
    long state = file.generation == 0 ? 0 : Files.size(directory.state(file.generation));
    directory.checkRoom(
        state + head.total() * 64 + head.rememberedBytes + (1 << 20),
        "[sync=" + sync.name() + " run=" + run + "]");
    directory.passed(CrashPoint.PLAN_SECTIONS_WRITTEN);
    head.write(directory, directory.plan(run));
  }
}
