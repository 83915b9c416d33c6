package io.fulmar.internal.run;

import io.fulmar.RunEvent;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Verdict;
import org.jspecify.annotations.Nullable;

/** Tells listeners and log what became of a batch whose call had been left behind. */
record LateAnswer(RunScope scope, Batch batch) {

  void ended(@Nullable Delivery answer, @Nullable Throwable thrown) {
    long[] counts = new long[3];
    String what = "answered";
    String violation = thrown == null ? BatchSender.violation(answer, batch) : null;
    if (thrown != null) {
      what = "threw " + thrown.getClass().getName();
    } else if (violation != null) {
      what = violation;
    } else if (answer != null) {
      for (Delivery.Answer one : answer.answers()) {
        Verdict verdict = one.verdict();
        counts[
            verdict instanceof Verdict.Accepted ? 0 : verdict instanceof Verdict.Skipped ? 1 : 2]++;
      }
      if (answer.unnamed() == Delivery.Unnamed.ACCEPTED) {
        counts[0] += batch.size() - answer.answers().size();
      }
    }
    tell(scope, "write: " + what, batch.size(), counts[0], counts[1], counts[2]);
  }

  /** The same for a call that carried no changes. */
  static void ofOther(RunScope scope, String call, @Nullable Throwable thrown) {
    String what = thrown == null ? "done" : "threw " + thrown.getClass().getName();
    tell(scope, call + ": " + what, 0, 0, 0, 0);
  }

  private static void tell(
      RunScope scope, String what, long sent, long accepted, long skipped, long rejected) {
    RunEvent.AnsweredLate late =
        new RunEvent.AnsweredLate(
            scope.sync().name(), scope.run(), what, sent, accepted, skipped, rejected);
    RunLog.late(late);
    scope.emit(late);
  }
}
