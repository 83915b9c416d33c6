package io.fulmar.internal.standard;

import io.fulmar.ChangeSet;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import org.jspecify.annotations.Nullable;

/**
 * Tells by what the rows of a model add up to that nothing has changed, and spares reading them. A
 * sum is taken when reading all rows has found nothing to do for the second time, so that a model
 * that changes in every other run does not pay for it; it holds for the state as it is then:
 * whatever changes a state raises its version. Used for one plan.
 *
 * <p>Adding up takes a part of the time of a reading, and is wasted where something has changed. So
 * it is only tried while the server has counted no write since the last plan; where it does not
 * count, after a reading that found nothing.
 */
final class SumCheck {
  private final SyncFile file;
  private final Snapshot snapshot;
  private final ModelShape shape;
  private final PlanHead head;
  private final String seed;
  private final boolean plain;
  private final long leastRows;
  private @Nullable String writes;
  private @Nullable RowSum found;
  private boolean missed;

  /**
   * A check for a plan.
   *
   * @param sync what is planned
   * @param file what is known of it; sums go in and out of it
   * @param request what the plan is for
   * @param head the plan, begun
   * @param snapshot what is planned from
   * @param shape the model
   * @param leastRows with fewer rows nothing is added up
   */
  SumCheck(
      Sync sync,
      SyncFile file,
      PlanRequest request,
      PlanHead head,
      Snapshot snapshot,
      ModelShape shape,
      long leastRows) {
    this.file = file;
    this.head = head;
    this.snapshot = snapshot;
    this.shape = shape;
    this.leastRows = leastRows;
    this.seed =
        "%s\n%s\nsum"
            .formatted(PlanTerms.rowSeed(file.secret, file.epoch, sync, shape), sync.maxRowBytes());
    this.plain =
        request.kind() == PlanRequest.Kind.RUN
            && request.keys() == null
            && sync.mode() != SyncMode.ALL
            && sync.mode() == file.mode
            && sync.removal() == file.removal
            && head.objections.isEmpty()
            && file.generation > 0
            && file.keys == file.live
            && file.unsure == 0
            && file.until == 0
            && file.holds.values().stream().allMatch(count -> count == 0);
  }

  /** Whether the rows add up to what the accepted ones do. If so, nothing is to be done. */
  boolean isUnchanged() {
    RowSum accepted = file.sum;
    if (!plain
        || accepted == null
        || file.sumVersion != file.version
        || file.live < leastRows
        || wasWritten()) {
      return false;
    }
    RowSum now = snapshot.sum(shape, seed);
    if (accepted.equals(now)) {
      head.rows = accepted.rows();
      head.way = ChangeSet.Way.SUM;
      return true;
    }
    missed = true;
    return false;
  }

  /** Whether the server has counted a write since the last plan. */
  private boolean wasWritten() {
    return !writes().isEmpty() && !writes().equals(file.writes);
  }

  /** Asks once, while the snapshot is there. */
  private String writes() {
    String asked = writes == null ? snapshot.writes() : writes;
    writes = asked;
    return asked;
  }

  /**
   * To be asked when all rows have been read, and the snapshot is still there: adds them up if they
   * are likely to be what was accepted.
   *
   * @param known whether each row was found to be a version that was accepted; null if that is not
   *     known yet
   */
  void read(@Nullable Boolean known) {
    if (head.rows < leastRows || head.extent == Extent.PART) {
      return;
    }
    boolean quiet = !wasWritten();
    boolean same = known == null ? !writes().isEmpty() : known;
    if (plain && !missed && quiet && same && head.rows == file.live && file.idlePlans > 0) {
      found = snapshot.sum(shape, seed);
    }
  }

  /** To be asked when the plan is made: keeps what the next one needs. */
  void keep() {
    if (head.extent == Extent.PART) {
      return; // which says nothing of the other rows
    }
    boolean idle =
        head.total() == 0
            && head.effects() == 0
            && head.held == 0
            && head.ignored == 0
            && head.invalid == 0;
    RowSum sum = found;
    file.idlePlans = idle && !missed ? file.idlePlans + 1 : 0;
    if (sum != null && idle && sum.rows() == file.live) {
      file.sum = sum;
      file.sumVersion = file.version;
    } else if (missed) {
      file.sum = null;
    }
    // A server that does not count all writes is not believed twice in a row.
    file.writes = missed || writes == null ? "" : writes;
  }
}
