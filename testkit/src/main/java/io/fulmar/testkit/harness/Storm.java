package io.fulmar.testkit.harness;

import io.fulmar.Change;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Stands between an engine and a destination and does what networks and services do: it rejects,
 * skips, answers for a part, applies nothing, loses the answer, hangs, and lets a call that gave no
 * answer act later, as long as its deadline allows. It never lies: what it calls accepted, the
 * destination has accepted. What it does depends on the seed, the round, the keys of the batch and
 * how often they came in that round. This class is threadsafe.
 */
final class Storm extends ForwardingDestination {
  /** A call may act for so long after it began, as far as this destination makes use of it. */
  private static final Duration LATEST = Duration.ofMillis(500);

  /** How bad it is, in percent of all calls. */
  enum Mood {
    CALM(0),
    GUSTY(30),
    WILD(70);

    private final int percent;

    Mood(int percent) {
      this.percent = percent;
    }
  }

  private record Late(long at, RunContext run, Batch batch) {}

  private record Unanswered(long run, long until) {}

  private final long seed;
  private final ShiftedClock clock;
  private final List<Late> late = new ArrayList<>();
  private final Map<String, Unanswered> unanswered = new HashMap<>();
  private final Map<String, Integer> came = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private final Map<String, Integer> seen = new TreeMap<>();
  private final List<CountDownLatch> hanging = new ArrayList<>();
  private Mood mood = Mood.CALM;
  private int round;
  private int calls;
  private int signalAt;
  private Runnable signal = () -> {};

  Storm(Destination destination, long seed, ShiftedClock clock) {
    super(destination);
    this.seed = seed;
    this.clock = clock;
  }

  /**
   * Begins a round.
   *
   * @param how it is from now on
   * @param at the call of the round before which something is to happen; 0 for none
   * @param what that is
   */
  synchronized void round(Mood how, int at, Runnable what) {
    round++;
    mood = how;
    calls = 0;
    came.clear();
    signalAt = at;
    signal = what;
  }

  /** Lets go of calls that do not heed an interrupt. */
  synchronized void letGo() {
    hanging.forEach(CountDownLatch::countDown);
    hanging.clear();
  }

  /** What should never have come. */
  synchronized List<String> violations() {
    return List.copyOf(violations);
  }

  /** What it has done, and how often. */
  synchronized Map<String, Integer> seen() {
    return new TreeMap<>(seen);
  }

  @Override
  public void clear(RunContext run) throws Exception {
    actLate();
    Random random;
    synchronized (this) {
      random = new Random(seed ^ round * 31L ^ came.merge("", 1, Integer::sum));
      if (!late.isEmpty()) {
        violations.add("a clear is asked for while calls may still act");
      }
      if (random.nextInt(100) < mood.percent) {
        switch (random.nextInt(3)) {
          case 0 -> throw new NotAppliedException("the storm has cleared nothing", Duration.ZERO);
          case 1 -> throw new IOException("the storm has cleared nothing");
          default -> random = null;
        }
      }
    }
    destination.clear(run);
    if (random == null) {
      throw new IOException("the storm has lost the answer to a clear");
    }
  }

  @Override
  @SuppressWarnings("try") // its close() may be interrupted
  public Writer open(RunContext run) throws Exception {
    Writer writer = destination.open(run);
    return new Writer() {
      @Override
      public Delivery write(Batch batch) throws Exception {
        return pass(run, batch, writer);
      }

      @Override
      public void close() throws Exception {
        writer.close();
      }
    };
  }

  private static List<String> keys(Batch batch) {
    return batch.changes().stream().map(change -> Sent.of(change, Set.of()).key()).toList();
  }

  private Delivery pass(RunContext run, Batch batch, Writer writer) throws Exception {
    actLate();
    Random random;
    boolean calm;
    Runnable now = () -> {};
    synchronized (this) {
      List<String> keys = keys(batch);
      for (String key : keys) {
        Unanswered before = unanswered.get(key);
        if (before != null && before.run < run.run() && clock.millis() < before.until) {
          violations.add(
              "key %s is sent in run %s while a call of run %s may still act"
                  .formatted(key, run.run(), before.run));
        }
      }
      int time = came.merge(keys.toString(), 1, Integer::sum);
      random = new Random(seed ^ (round * 1_000_003L + keys.hashCode()) * 31L ^ time);
      random.nextInt();
      calm = random.nextInt(100) >= mood.percent;
      if (++calls == signalAt) {
        now = signal;
      }
    }
    now.run();
    long began = clock.millis();
    boolean answered = false;
    try {
      Delivery delivery = calm ? writer.write(batch) : blow(run, batch, writer, random);
      answered = true;
      return delivery;
    } catch (NotAppliedException | BatchRejectedException | StopRunException e) {
      answered = true;
      throw e;
    } finally {
      if (!answered) {
        long until = began + LATEST.toMillis();
        synchronized (this) {
          Unanswered call = new Unanswered(run.run(), until);
          keys(batch)
              .forEach(key -> unanswered.merge(key, call, (a, b) -> a.until > b.until ? a : b));
        }
      }
    }
  }

  private synchronized void saw(String what) {
    seen.merge(what, 1, Integer::sum);
  }

  private Delivery blow(RunContext run, Batch batch, Writer writer, Random random)
      throws Exception {
    int dice = random.nextInt(100);
    if (dice < 30) {
      saw("answered as it likes");
      return answer(batch, writer, random);
    }
    if (dice < 40) {
      saw("not applied");
      throw new NotAppliedException("the storm is over this", Duration.ZERO);
    }
    if (dice < 50) {
      saw("batch rejected");
      throw new BatchRejectedException("STORM", "the storm takes no such batch");
    }
    if (dice < 52) {
      saw("run stopped");
      throw new StopRunException("STORM", "the storm stops the run");
    }
    if (dice < 65) {
      saw("broken before it was applied");
      throw new IOException("the storm has broken the connection");
    }
    if (dice < 78) {
      saw("answer lost");
      writer.write(batch);
      throw new IOException("the storm has lost the answer");
    }
    if (dice < 88) {
      saw("acts late");
      synchronized (this) {
        late.add(new Late(clock.millis() + random.nextInt((int) LATEST.toMillis()), run, batch));
      }
      throw new IOException("the storm has broken the connection, and the call goes on");
    }
    if (dice < 92) {
      saw("broken contract");
      writer.write(batch);
      return Delivery.acceptedExcept()
          .answer("0123456789abcdef0123456789abcdef", new Verdict.Accepted())
          .build();
    }
    if (dice < 97) {
      saw("hangs");
      if (random.nextBoolean()) {
        writer.write(batch);
      }
      new Semaphore(0).acquire(); // the engine interrupts it before its deadline
    }
    saw("hangs and is left behind");
    Delivery delivery = writer.write(batch);
    CountDownLatch latch = new CountDownLatch(1);
    synchronized (this) {
      hanging.add(latch);
    }
    awaitWithoutHeed(latch);
    return delivery;
  }

  private static void awaitWithoutHeed(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Applies a part; of the rest some are rejected, some skipped, and some not named. */
  private static Delivery answer(Batch batch, Writer writer, Random random) throws Exception {
    Delivery.Builder answer = Delivery.builder();
    List<Change> rest = new ArrayList<>();
    Set<String> unnamed = new HashSet<>();
    for (Change change : batch.changes()) {
      String id = change.changeId();
      switch (random.nextInt(8)) {
        case 0 -> answer.rejected(change, "STORM", "the storm does not like it");
        case 1 ->
            answer.answer(
                id, new Verdict.Rejected("GUST", "the storm says later", Verdict.Retry.THIS_RUN));
        case 2 -> answer.skipped(change);
        case 3 -> {
          if (random.nextBoolean()) {
            rest.add(change);
            unnamed.add(id);
          }
        }
        default -> rest.add(change);
      }
    }
    if (!rest.isEmpty()) {
      Batch part = new Batch(batch.action(), rest);
      Map<String, Verdict> verdicts = verdicts(part, writer.write(part));
      for (Change change : rest) {
        Verdict verdict = verdicts.get(change.changeId());
        if (verdict != null && !unnamed.contains(change.changeId())) {
          answer.answer(change.changeId(), verdict);
        }
      }
    }
    return answer.build();
  }

  private static Map<String, Verdict> verdicts(Batch batch, @Nullable Delivery delivery) {
    Map<String, Verdict> verdicts = new HashMap<>();
    if (delivery != null) {
      if (delivery.unnamed() == Delivery.Unnamed.ACCEPTED) {
        batch.changes().forEach(each -> verdicts.put(each.changeId(), new Verdict.Accepted()));
      }
      delivery.answers().forEach(each -> verdicts.put(each.changeId(), each.verdict()));
    }
    return verdicts;
  }

  /** Calls that were given up act whose time has come: the latest moment shows most. */
  void actLate() {
    while (true) {
      Late next;
      synchronized (this) {
        next = late.stream().filter(each -> each.at <= clock.millis()).findFirst().orElse(null);
        if (next == null) {
          return;
        }
        late.remove(next);
      }
      Late acting = next;
      // On a thread that nobody interrupts.
      Thread thread = new Thread(() -> act(acting), "fulmar-history-late");
      thread.setDaemon(true);
      thread.start();
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @SuppressWarnings("try") // close() of a writer may be interrupted, and nobody interrupts here
  private void act(Late acting) {
    try (Writer writer = destination.open(acting.run)) {
      writer.write(acting.batch);
    } catch (Exception e) {
      saw("a late call failed"); // it may have no effect at all
    }
  }
}
