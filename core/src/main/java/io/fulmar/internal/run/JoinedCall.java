package io.fulmar.internal.run;

import io.fulmar.FailureCodes;
import io.fulmar.StateException;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.JoinedWrite;
import io.fulmar.internal.store.JoinedWriter;
import io.fulmar.internal.store.JoinedWrites;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * One call of a destination in the database of the state: its rows and their outcomes are committed
 * together, so that no outcome is unknown. What is thrown says that nothing was applied, but for a
 * {@link StateException}: then the database alone knows.
 *
 * @param writes begins the transaction
 * @param writer writes the rows
 * @param batch what is written
 * @param planned the changes of the batch, in its order
 */
record JoinedCall(
    JoinedWrites writes, JoinedWriter writer, Batch batch, List<PlannedChange> planned) {
  /** Writes, notes and commits. */
  Delivery write() throws Exception {
    applying(
        () -> {
          writer.prepare();
          return true;
        });
    try (JoinedWrite joined = writes.begin()) {
      Delivery delivery = applying(() -> written(joined));
      note(joined, delivery);
      joined.commit();
      return delivery;
    }
  }

  private Delivery written(JoinedWrite joined) throws Exception {
    Delivery delivery = writer.write(batch, joined.connection());
    String violation = BatchSender.violation(delivery, batch);
    if (violation != null) {
      throw new BatchRejectedException(FailureCodes.CONTRACT_VIOLATION, violation);
    }
    return delivery;
  }

  private static <T> T applying(Callable<T> call) throws Exception {
    try {
      return call.call();
    } catch (NotAppliedException
        | BatchRejectedException
        | StopRunException
        | InterruptedException e) {
      throw e;
    } catch (Exception e) {
      // Nothing of it will be committed; if it is the fault of a row, halving finds it.
      String what = "the call threw " + e.getClass().getName();
      throw new BatchRejectedException(FailureCodes.CONTRACT_VIOLATION, what);
    }
  }

  /** Notes the outcomes, range by range: what goes out again need not stand together. */
  private void note(JoinedWrite joined, Delivery delivery) throws Exception {
    Map<String, Verdict> verdicts = new HashMap<>();
    delivery.answers().forEach(answer -> verdicts.put(answer.changeId(), answer.verdict()));
    List<Outcome> outcomes = new ArrayList<>();
    long from = planned.get(0).position();
    for (PlannedChange change : planned) {
      if (change.position() != from + outcomes.size()) {
        joined.acknowledge(from, outcomes);
        from = change.position();
        outcomes = new ArrayList<>();
      }
      outcomes.add(outcome(verdicts.get(change.change().changeId())));
    }
    joined.acknowledge(from, outcomes);
  }

  /** What a change is not named in is accepted: {@link JoinedWriter} knows no other answer. */
  private static Outcome outcome(@Nullable Verdict verdict) {
    if (verdict instanceof Verdict.Rejected rejected) {
      Hold.Reason reason = new Hold.Reason(rejected.code(), rejected.message());
      return new Outcome(Outcome.Kind.REJECTED, false, 0, reason);
    }
    return verdict instanceof Verdict.Skipped ? Outcome.SKIPPED : Outcome.ACCEPTED;
  }
}
