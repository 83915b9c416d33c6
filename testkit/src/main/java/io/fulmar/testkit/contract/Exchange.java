package io.fulmar.testkit.contract;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Calls a destination as an engine does: within its capabilities and its rate, halving what is
 * rejected whole. Writes down each call. This class is thread-safe.
 */
final class Exchange {
  private static final int CALLS_SHOWN = 12;

  private final Capabilities capabilities;
  private final List<String> calls = new ArrayList<>();
  private final Deque<Long> times = new ArrayDeque<>();

  Exchange(Destination destination) {
    this.capabilities = destination.capabilities();
  }

  Capabilities capabilities() {
    return capabilities;
  }

  /** The last calls, a line each. */
  synchronized String calls() {
    if (calls.isEmpty()) {
      return "  nothing";
    }
    int from = Math.max(0, calls.size() - CALLS_SHOWN);
    String before = from == 0 ? "" : "  %s calls before\n".formatted(from);
    return before + "  " + String.join("\n  ", calls.subList(from, calls.size()));
  }

  synchronized void note(String call) {
    calls.add(call);
  }

  /** One call. */
  Delivery write(Writer writer, Action action, List<Change> changes) throws Exception {
    pace();
    return writeNow(writer, action, changes);
  }

  /** One call that does not wait for its turn. */
  Delivery writeNow(Writer writer, Action action, List<Change> changes) throws Exception {
    Batch batch = new Batch(action, changes);
    try {
      Delivery delivery = writer.write(batch);
      note(Words.batch(batch) + ": " + Words.delivery(batch, delivery));
      if (delivery == null) {
        throw new BrokenRule("write returned null in place of a Delivery");
      }
      return delivery;
    } catch (Exception e) {
      note(Words.batch(batch) + ": threw " + Words.thrown(e));
      throw e;
    }
  }

  /** What became of each change; one that has no answer is not named. */
  Map<String, Verdict> deliver(Writer writer, Action action, List<Change> changes)
      throws Exception {
    Map<String, Verdict> verdicts = new LinkedHashMap<>();
    for (List<Change> part : parts(changes)) {
      deliverPart(writer, action, part, verdicts);
    }
    return verdicts;
  }

  private void deliverPart(
      Writer writer, Action action, List<Change> part, Map<String, Verdict> verdicts)
      throws Exception {
    try {
      Delivery delivery = write(writer, action, part);
      delivery.answers().forEach(answer -> verdicts.put(answer.changeId(), answer.verdict()));
      if (delivery.unnamed() == Delivery.Unnamed.ACCEPTED) {
        part.forEach(change -> verdicts.putIfAbsent(change.changeId(), new Verdict.Accepted()));
      }
    } catch (BatchRejectedException e) {
      if (part.size() == 1) {
        verdicts.put(
            part.get(0).changeId(),
            new Verdict.Rejected(e.code(), String.valueOf(e.getMessage()), Verdict.Retry.NEXT_RUN));
        return;
      }
      int middle = part.size() / 2;
      deliverPart(writer, action, part.subList(0, middle), verdicts);
      deliverPart(writer, action, part.subList(middle, part.size()), verdicts);
    }
  }

  /** Batches within the capabilities. */
  private List<List<Change>> parts(List<Change> changes) {
    List<List<Change>> parts = new ArrayList<>();
    int from = 0;
    long bytes = 0;
    for (int i = 0; i < changes.size(); i++) {
      long more = bytes(changes.get(i));
      if (i > from
          && (i - from == capabilities.maxRows() || bytes + more > capabilities.maxBytes())) {
        parts.add(changes.subList(from, i));
        from = i;
        bytes = 0;
      }
      bytes += more;
    }
    parts.add(changes.subList(from, changes.size()));
    return parts;
  }

  static long bytes(Change change) {
    long bytes = 0;
    for (String column : change.row().columns()) {
      String text = change.row().text(column);
      bytes += text == null ? 0 : text.getBytes(StandardCharsets.UTF_8).length;
    }
    return bytes;
  }

  /** Waits until the rate allows a call. */
  void pace() throws InterruptedException {
    Capabilities.Rate rate = capabilities.rate();
    while (rate != null) {
      long wait = turn(rate);
      if (wait <= 0) {
        return;
      }
      boolean ended = new CountDownLatch(1).await(wait, TimeUnit.NANOSECONDS);
      assert !ended;
    }
  }

  /** How long to wait still; 0 if it is the caller's turn, which he takes. */
  private synchronized long turn(Capabilities.Rate rate) {
    long now = System.nanoTime();
    @Nullable Long first = times.size() < rate.calls() ? null : times.getFirst();
    long wait = first == null ? 0 : first + rate.per().toNanos() - now;
    if (wait > 0) {
      return wait;
    }
    if (first != null) {
      times.removeFirst();
    }
    times.addLast(now);
    return 0;
  }
}
