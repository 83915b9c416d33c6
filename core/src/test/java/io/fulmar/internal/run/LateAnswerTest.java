package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.RunEvent;
import io.fulmar.Sync;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a listener hears of a batch of six changes whose call ended after it was left behind. */
@DisplayName("J-04: late answers")
class LateAnswerTest {
  private final List<RunEvent> heard = new ArrayList<>();
  private final RunScope scope =
      new RunScope(
          Sync.builder("crm")
              .model(Model.query("customers", "select 1 as id").key("id"))
              .to(Destination.of("test", batch -> Delivery.allAccepted()))
              .listener(heard::add)
              .build(),
          RunnerSettings.defaults());
  private final Batch batch =
      new Batch(Action.UPSERT, Changes.added(6).stream().map(PlannedChange::change).toList());

  @BeforeEach
  void begin() {
    scope.begin(Changes.RUN);
    RunScope.undescribe();
  }

  private Change change(int index) {
    return batch.changes().get(index);
  }

  private void assertHeard(
      @Nullable Delivery answer,
      @Nullable Throwable thrown,
      String what,
      int accepted,
      int skipped,
      int rejected) {
    heard.clear();
    new LateAnswer(scope, batch).ended(answer, thrown);
    assertThat(heard)
        .containsExactly(
            new RunEvent.AnsweredLate("crm", Changes.RUN, what, 6, accepted, skipped, rejected));
  }

  private Delivery named(Delivery.Builder answer) {
    return answer
        .accepted(change(0))
        .skipped(change(1))
        .skipped(change(2))
        .rejected(change(3), "BAD", "no")
        .build();
  }

  @Test
  @DisplayName("changes that the answer does not name are counted as accepted only if it says so")
  void answersAreCountedByTheirVerdicts() {
    assertHeard(Delivery.allAccepted(), null, "write: answered", 6, 0, 0);
    assertHeard(named(Delivery.acceptedExcept()), null, "write: answered", 3, 2, 1);
    assertHeard(named(Delivery.builder()), null, "write: answered", 1, 2, 1);
    assertHeard(Delivery.builder().build(), null, "write: answered", 0, 0, 0);
  }

  @Test
  void answerThatBreaksItsContractCountsNothing() {
    assertHeard(null, null, "write: the answer is null", 0, 0, 0);
    Delivery twice = Delivery.acceptedExcept().skipped(change(1)).skipped(change(1)).build();
    assertHeard(twice, null, "write: the answer names a change twice", 0, 0, 0);
  }

  @Test
  @DisplayName("what is thrown is told by its class, without a message that may hold values")
  void exceptionIsToldByItsClass() {
    Exception thrown = new IllegalStateException("ann@example.com");
    assertHeard(null, thrown, "write: threw java.lang.IllegalStateException", 0, 0, 0);
  }

  @Test
  void callWithoutChangesIsToldByItsName() {
    LateAnswer.ofOther(scope, "open", null);
    LateAnswer.ofOther(scope, "clear", new IllegalStateException("ann@example.com"));
    assertThat(heard)
        .containsExactly(
            new RunEvent.AnsweredLate("crm", Changes.RUN, "open: done", 0, 0, 0, 0),
            new RunEvent.AnsweredLate(
                "crm", Changes.RUN, "clear: threw java.lang.IllegalStateException", 0, 0, 0, 0));
  }
}
