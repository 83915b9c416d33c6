package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.ChangeSet;
import io.fulmar.Guard;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Sync;
import io.fulmar.internal.store.DefinitionChange;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What holds a run, at each limit and beside it. The plan is of a model with 500 rows and 1,000
 * synced keys, unless a test says otherwise.
 */
@DisplayName("P7: guards")
class GuardsTest {
  private static final Instant NOW = Instant.parse("2026-04-01T12:00:00Z");

  private long rows = 500;
  private long live = 1_000;
  private long removed;
  private long firstRemovals;
  private long changed;
  private List<String> objections = List.of();
  private PlanRequest.Kind request = PlanRequest.Kind.RUN;
  private Extent extent = Extent.WHOLE;
  private DefinitionChange definition = DefinitionChange.NONE;

  private static Sync.Builder sync() {
    return Sync.builder("crm")
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(Destination.of("test", batch -> Delivery.allAccepted()));
  }

  private List<String> objections(Sync.Builder sync) {
    ChangeSet changeSet =
        new ChangeSet(
            "p",
            "crm",
            Changes.RUN,
            NOW,
            rows,
            live,
            Map.of(Operation.ADDED, 7L, Operation.CHANGED, changed, Operation.REMOVED, removed),
            0,
            0,
            0,
            List.of(),
            List.of(),
            List.of(),
            Map.of(),
            ChangeSet.Way.READ);
    StoredPlan plan =
        new StoredPlan(changeSet, firstRemovals, objections, 0, request, extent, definition);
    return Guards.objections(sync.build(), plan, NOW);
  }

  private void removes(long keys) {
    removed = keys;
    firstRemovals = keys;
  }

  private void redefined(@Nullable Instant usedBefore, String... parts) {
    definition = new DefinitionChange(List.of(parts), usedBefore);
  }

  @Test
  void planBelowEveryLimitPasses() {
    removes(300);
    changed = 1_000;
    assertThat(objections(sync())).isEmpty();
  }

  // --------------------------------------------------------------------------------- removals

  @Test
  @DisplayName("removals are held above the share and the number, not at either of them")
  void removalsAtEitherLimitPass() {
    removes(300);
    assertThat(objections(sync().guardRemovals(0.3, 100))).isEmpty();
    assertThat(objections(sync().guardRemovals(0.1, 300))).isEmpty();
    assertThat(objections(sync().guardRemovals(0.1, 299)))
        .containsExactly("300 of 1000 synced keys would be removed, more than 10 % and 299");
    removes(301);
    assertThat(objections(sync().guardRemovals(0.3, 100)))
        .containsExactly("301 of 1000 synced keys would be removed, more than 30 % and 100");
  }

  @Test
  void removalsThatWereTriedBeforeDoNotCount() {
    removed = 900;
    firstRemovals = 300;
    assertThat(objections(sync())).isEmpty();
  }

  @Test
  @DisplayName("a share of 1 lets every removal pass, and 0 none")
  void shareOfOneSwitchesTheGuardOff() {
    live = 200;
    removes(201);
    assertThat(objections(sync().guardRemovals(1, 0))).isEmpty();
    removes(1);
    assertThat(objections(sync().guardRemovals(0, 0)))
        .containsExactly("1 of 200 synced keys would be removed, more than 0 % and 0");
    removes(0);
    assertThat(objections(sync().guardRemovals(0, 0))).isEmpty();
  }

  // ------------------------------------------------------------------------------ empty model

  @Test
  @DisplayName("an empty model holds a run that would remove anything, however little it is")
  void emptyModelIsHeld() {
    rows = 0;
    removes(1);
    assertThat(objections(sync()))
        .containsExactly("the model is empty, and 1 synced keys would be removed");
    removed = 5;
    assertThat(objections(sync()))
        .as("what is said is all that would be removed")
        .containsExactly("the model is empty, and 5 synced keys would be removed");
    rows = 1;
    assertThat(objections(sync())).isEmpty();
  }

  @Test
  void emptyModelThatRemovesNothingNewPasses() {
    rows = 0;
    removes(0);
    assertThat(objections(sync())).isEmpty();
    removed = 5;
    assertThat(objections(sync())).isEmpty();
  }

  @Test
  @DisplayName("an empty model that is to be delivered is still guarded by the share")
  void emptyModelThatIsToBeDeliveredPasses() {
    Sync.Builder lenient = sync().onEmptyModel(Sync.EmptyModel.DELIVER);
    rows = 0;
    removes(300);
    assertThat(objections(lenient)).isEmpty();
    removes(1_000);
    assertThat(objections(lenient))
        .containsExactly("1000 of 1000 synced keys would be removed, more than 30 % and 100");
  }

  @Test
  @DisplayName("single keys that are all gone do not make an empty model")
  void partWithoutRowsIsNoEmptyModel() {
    rows = 0;
    extent = Extent.PART;
    removes(2);
    assertThat(objections(sync())).isEmpty();
  }

  @Test
  @DisplayName("an empty model never fills a cleared destination without approval")
  void emptyModelIsNeverFilled() {
    Sync.Builder lenient = sync().guardRemovals(1, 0).onEmptyModel(Sync.EmptyModel.DELIVER);
    request = PlanRequest.Kind.FILL;
    rows = 0;
    live = 0;
    assertThat(objections(lenient))
        .containsExactly("the model is empty, and 0 synced keys would be removed");
    live = 4;
    firstRemovals = 4;
    assertThat(objections(lenient))
        .containsExactly("the model is empty, and 4 synced keys would be removed");
    rows = 1;
    assertThat(objections(lenient)).isEmpty();
  }

  // ---------------------------------------------------------------------------------- changes

  @Test
  @DisplayName("changes under another definition are held above both limits, not at either of them")
  void changesAtEitherLimitPass() {
    redefined(null, "query", "mapping");
    changed = 100;
    assertThat(objections(sync().guardChanges(0.1, 50))).isEmpty();
    assertThat(objections(sync().guardChanges(0.05, 100))).isEmpty();
    assertThat(objections(sync().guardChanges(0.05, 99)))
        .containsExactly(
            "other query and mapping than in the last run would change 100 of 1000 synced keys,"
                + " more than 5 % and 99");
    changed = 101;
    assertThat(objections(sync().guardChanges(0.1, 50)))
        .containsExactly(
            "other query and mapping than in the last run would change 101 of 1000 synced keys,"
                + " more than 10 % and 50");
  }

  @Test
  void changesUnderTheSameDefinitionPass() {
    changed = 1_000;
    assertThat(objections(sync().guardChanges(0, 0))).isEmpty();
  }

  @Test
  @DisplayName("a share of 1 lets more changes pass than there are synced keys: some came back")
  void shareOfOneSwitchesTheGuardOfChangesOff() {
    redefined(null, "query");
    live = 2;
    changed = 3;
    assertThat(objections(sync().guardChanges(1, 0))).isEmpty();
  }

  // ----------------------------------------------------------------------------------- return

  @Test
  @DisplayName("a definition that comes back holds a run that would change anything")
  void definitionThatComesBackIsHeld() {
    redefined(NOW.minus(Duration.ofHours(1)), "query", "mode");
    assertThat(objections(sync())).as("nothing changes").isEmpty();
    changed = 1;
    assertThat(objections(sync()))
        .containsExactly(
            "query and mode went back to what was used at 2026-04-01T11:00:00Z, before the last"
                + " run; two versions of the application may be at work");
  }

  @Test
  @DisplayName("a definition that was used just as long ago as the guard looks back passes")
  void definitionThatComesBackLatePasses() {
    changed = 1;
    redefined(NOW.minus(Duration.ofHours(2)), "query");
    assertThat(objections(sync().guardReturn(Duration.ofHours(2)))).isEmpty();
    assertThat(objections(sync().guardReturn(Duration.ofHours(2).plusMillis(1)))).hasSize(1);
    redefined(NOW, "query");
    assertThat(objections(sync().guardReturn(Duration.ZERO))).as("switched off").isEmpty();
    redefined(null, "query");
    assertThat(objections(sync())).as("never used before").isEmpty();
  }

  // -------------------------------------------------------------- guards of the application

  /** Throws a message with a value, which nobody may see. */
  private static final class Throwing implements Guard {
    @Override
    public Optional<String> objection(ChangeSet plan) {
      throw new IllegalStateException("ann@example.com");
    }
  }

  @Test
  @DisplayName("the guards of the application come last, each with its objection or its exception")
  void guardsOfTheApplicationHold() {
    objections = List.of("the source went back in time");
    rows = 0;
    removes(1);
    changed = 3;
    Sync.Builder sync =
        sync()
            .guard(plan -> Optional.empty())
            .guard(
                plan -> Optional.of("it would change " + plan.planned(Operation.CHANGED) + " rows"))
            .guard(new Throwing())
            .guard(plan -> Optional.of("and it is " + plan.sync()));
    assertThat(objections(sync))
        .containsExactly(
            "the source went back in time",
            "the model is empty, and 1 synced keys would be removed",
            "it would change 3 rows",
            "the guard io.fulmar.internal.run.GuardsTest$Throwing threw"
                + " java.lang.IllegalStateException",
            "and it is crm");
  }

  @Test
  void everyGuardOfFulmarIsHeard() {
    removes(1_000);
    changed = 1_000;
    redefined(NOW.minusMillis(1), "removal");
    assertThat(objections(sync().guardChanges(0.999, 999)))
        .containsExactly(
            "1000 of 1000 synced keys would be removed, more than 30 % and 100",
            "other removal than in the last run would change 1000 of 1000 synced keys, more than"
                + " 99.9 % and 999",
            "removal went back to what was used at 2026-04-01T11:59:59.999Z, before the last run;"
                + " two versions of the application may be at work");
  }

  // ------------------------------------------------------------------------------------ shares

  @Test
  @DisplayName("29 of 100 keys are no more than a share of 0.29, whatever a double makes of it")
  void shareIsTheDecimalThatWasWritten() {
    live = 100;
    for (int hundredths = 1; hundredths < 100; hundredths++) {
      double share = Double.parseDouble("0." + (hundredths < 10 ? "0" : "") + hundredths);
      redefined(null, "query");
      removes(hundredths);
      changed = hundredths;
      Sync.Builder sync = sync().guardRemovals(share, 0).guardChanges(share, 0);
      assertThat(objections(sync)).as("%s", share).isEmpty();
      removes(hundredths + 1);
      changed = hundredths + 1;
      assertThat(objections(sync))
          .containsExactly(
              "%1$s of 100 synced keys would be removed, more than %2$s %% and 0"
                  .formatted(hundredths + 1, hundredths),
              "other query than in the last run would change %1$s of 100 synced keys, more than %2$s %% and 0"
                  .formatted(hundredths + 1, hundredths));
    }
  }

  @Test
  @DisplayName("a share below one percent is not said to be 0 %")
  void smallShareIsSaidAsItIs() {
    live = 50_000;
    removes(101);
    assertThat(objections(sync().guardRemovals(0.001, 100)))
        .containsExactly("101 of 50000 synced keys would be removed, more than 0.1 % and 100");
    assertThat(objections(sync().guardRemovals(0.0001, 100)))
        .containsExactly("101 of 50000 synced keys would be removed, more than 0.01 % and 100");
    assertThat(objections(sync().guardRemovals(0.001 / 3, 100)))
        .containsExactly("101 of 50000 synced keys would be removed, more than 0.033333 % and 100");
  }
}
