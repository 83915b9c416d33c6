package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.lightning.internal.state.LightningStore;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A lane that the run has left behind goes on while its plan is folded: three rows are planned, the
 * first is delivered, and the lane comes to the others too late.
 */
class LeftBehindNotesTest extends CustomerFixture {
  @Test
  @DisplayName("P1: nothing is reserved, and so nothing sent, that the fold under way does not see")
  void nothingIsReservedDuringTheFold() throws Exception {
    AtomicReference<Claim> running = new AtomicReference<>();
    AtomicReference<Throwable> refused = new AtomicReference<>();
    CrashPoint.Watch watch =
        point -> {
          if (point == CrashPoint.FOLD_WRITTEN) {
            refused.set(
                catchThrowable(
                    () -> running.get().reserve(1, 3, System.currentTimeMillis() + 1_000)));
          }
        };
    try (LightningStore store =
        new LightningStore(
            source(), LightningSettings.DEFAULT, RunnerSettings.defaults(), null, watch)) {
      try (Claim claim = store.claim(crm().build())) {
        running.set(claim);
        StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});
        claim.open(plan).close();
        claim.reserve(0, 1, 0);
        claim.acknowledge(0, List.of(Outcome.ACCEPTED));
        claim.fold(plan, new RunEnd(RunStatus.CANCELLED, Instant.now(), false, Extent.PART, null));
      }
    }

    assertThat(refused.get())
        .isInstanceOf(StateException.class)
        .hasMessageMatching(
            "Cannot note outcomes of crm: its run is over\\. \\[sync=crm run=\\d+]");
    assertThat(query("select count(*) from fulmar_planner.s1_state_0")).isEqualTo("1");
    assertThat(query("select count(*) from fulmar_planner.s1_ledger")).isEqualTo("0");
  }
}
