package io.fulmar.harness;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Sync;
import io.fulmar.harness.Death.Point;
import io.fulmar.harness.Death.Side;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
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
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A destination with a table of its own that may answer anything, but never lies: what it calls
 * accepted is in the table, what it calls not applied is not. A call without an answer may have had
 * its effect, or none, or have it later, as long as its deadline has not passed. Writes down every
 * call, and objects to what a destination must never see. This class is threadsafe.
 *
 * <p>The answer to a call depends on the seed, the run, the keys of the batch and how often this
 * batch came, and on nothing else, so that a history can be played again.
 */
public final class ScriptedDestination implements Destination {
  /** Content of a record whose fields were emptied. */
  public static final String CLEARED = "cleared";

  /** How likely a destination is to give each kind of answer, in percent of all calls. */
  public enum Mood {
    /** Accepts everything. */
    CALM(0, 0, 0, 0, 0),
    /** Answers, mostly well. */
    PICKY(0, 5, 10, 0, 30),
    /** Often gives no answer. */
    SHAKY(30, 10, 5, 2, 30),
    /** Everything happens. */
    WILD(25, 15, 10, 5, 60);

    final int unknown;
    final int notApplied;
    final int batchRejected;
    final int stopped;
    final int notAccepted;

    Mood(int unknown, int notApplied, int batchRejected, int stopped, int notAccepted) {
      this.unknown = unknown;
      this.notApplied = notApplied;
      this.batchRejected = batchRejected;
      this.stopped = stopped;
      this.notAccepted = notAccepted;
    }
  }

  /**
   * What goes for the next run.
   *
   * @param number of the run in the history, 1 for the first
   * @param mood how it answers
   * @param death when the process dies that calls it
   * @param cancelAt cancels the run in this call; 0 for never
   */
  public record Round(int number, Mood mood, Death death, int cancelAt) {
    /** A run in which nothing goes wrong. */
    static Round calm(int number) {
      return new Round(number, Mood.CALM, Death.never(), 0);
    }
  }

  /**
   * What was sent for a key in a run.
   *
   * @param operation what happened
   * @param content the content of the row; null for a removal
   * @param id change id
   * @param attempt as the change says
   * @param calls what came out of each call that carried it
   * @param until the moment until which one of them may still act; 0 for none
   */
  public record Sent(
      Operation operation,
      @Nullable String content,
      String id,
      int attempt,
      List<Call> calls,
      long until) {}

  private record Late(long at, Runnable effect) {}

  private record Unanswered(int round, long until) {}

  private record Meaning(String key, Operation operation, @Nullable String content) {}

  private final long seed;
  private final ManualClock clock;
  private final Capabilities capabilities;
  private final Function<Batch, Optional<Long>> reservedUntil;
  private final BooleanSupplier clearIsOnRecord;

  /**
   * Whether calls act late. Not with several lanes: they share the clock, and one that waits moves
   * it under the feet of the others, past the deadlines of their calls.
   */
  private final boolean actsLate;

  private final Map<String, String> table = new TreeMap<>();
  private final Map<String, String> lastApplied = new HashMap<>();
  private final List<Late> late = new ArrayList<>();
  private final Map<String, Unanswered> unanswered = new HashMap<>();
  private final Map<String, Meaning> meanings = new HashMap<>();
  private final Map<String, Long> sequences = new HashMap<>();
  private final Map<String, Sent> sent = new TreeMap<>();
  private final Map<String, Integer> repeats = new HashMap<>();
  private final Set<String> accepted = new HashSet<>();
  private final List<String> objections = new ArrayList<>();
  private final Set<String> inFlight = new HashSet<>();
  private Round round = new Round(0, Mood.CALM, Death.never(), 0);
  private @Nullable Sync sync;
  private Runnable cancel = () -> {};
  private String identity = "scripted:table";
  private int calls;
  private int clears;
  private int lateCalls;
  private int changes;
  private int repeatedChanges;
  private Unanswered unansweredClear = new Unanswered(0, 0);

  /**
   * An empty destination.
   *
   * @param seed what the answers depend on
   * @param clock tells when late calls act
   * @param concurrency most calls at once
   * @param reservedUntil asked at each call: the moment until which it may act by what is on record
   * @param clearIsOnRecord asked at each clear: whether it is on record that one has begun
   */
  public ScriptedDestination(
      long seed,
      ManualClock clock,
      int concurrency,
      Function<Batch, Optional<Long>> reservedUntil,
      BooleanSupplier clearIsOnRecord) {
    this.seed = seed;
    this.clock = clock;
    this.reservedUntil = reservedUntil;
    this.clearIsOnRecord = clearIsOnRecord;
    this.capabilities =
        Capabilities.builder()
            .actions(EnumSet.allOf(Action.class))
            .concurrency(concurrency)
            .canClear()
            .build();
    this.actsLate = concurrency == 1;
    clock.onMove(this::tick);
  }

  /**
   * Begins a run: forgets what was sent in the last one.
   *
   * @param next what goes for it
   * @param syncOfRun what runs
   * @param cancelRun cancels it
   */
  public synchronized void begin(Round next, Sync syncOfRun, Runnable cancelRun) {
    round = next;
    sync = syncOfRun;
    cancel = cancelRun;
    calls = 0;
    clears = 0;
    sent.clear();
    repeats.clear();
    inFlight.clear();
  }

  /** What was sent in this run, by key. */
  public synchronized Map<String, Sent> sent() {
    return new TreeMap<>(sent);
  }

  /** The records, by key. */
  public synchronized Map<String, String> table() {
    return new TreeMap<>(table);
  }

  /** Calls that had their effect after they had ended. */
  public synchronized int lateCalls() {
    return lateCalls;
  }

  /** Somebody puts these rows in place of what is there, and asserts that no call is under way. */
  public synchronized void hold(Map<String, String> rows) {
    tick();
    if (!late.isEmpty()) {
      object("rows are put in place while a call may act");
    }
    table.clear();
    table.putAll(rows);
  }

  /** It has another name from now on. */
  public synchronized void rename(String newIdentity) {
    identity = newIdentity;
  }

  /** How often this run asked for it to be cleared. */
  public synchronized int clears() {
    return clears;
  }

  /** Changes that came in, each as often as it came. */
  public synchronized int changes() {
    return changes;
  }

  /** Changes that came in again after they had been accepted. */
  public synchronized int repeatedChanges() {
    return repeatedChanges;
  }

  /** Calls of this run. */
  public synchronized int calls() {
    return calls;
  }

  /** What came in that must never come in, one sentence each. */
  public synchronized List<String> objections() {
    return List.copyOf(objections);
  }

  @Override
  public String type() {
    return "scripted";
  }

  @Override
  public synchronized String identity() {
    return identity;
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public Writer open(RunContext run) throws Exception {
    Random random = new Random(seed * 31 + round.number() * 17L + run.lane());
    if (random.nextInt(200) < round.mood().stopped) {
      throw new StopRunException("CLOSED", "come back later");
    }
    return this::write;
  }

  @Override
  public void clear(RunContext run) throws Exception {
    synchronized (this) {
      tick();
      round.death().pass(Point.CLEAR, Side.BEFORE);
      clears++;
      receiveClear();
      if (clears == round.cancelAt()) {
        cancel.run();
      }
      Random random = new Random(seed * 999_983 + round.number() * 10_007L + clears);
      random.nextInt();
      int dice = random.nextInt(100);
      Mood mood = round.mood();
      if (dice < mood.unknown) {
        mayClearUntil();
        switch (random.nextInt(3)) {
          case 0 -> empty();
          case 1 -> late(random, this::empty);
          default -> {}
        }
        round.death().pass(Point.CLEAR, Side.AFTER);
        throw new IOException("connection reset");
      }
      if (dice < mood.unknown + mood.notApplied) {
        diesUncleared();
        throw new NotAppliedException("not now", (Throwable) null);
      }
      if (dice < mood.unknown + mood.notApplied + mood.stopped) {
        diesUncleared();
        throw new StopRunException("QUOTA", "nothing more today");
      }
      empty();
      diesUncleared();
    }
  }

  /** Holds a clear against what a destination may rely on. */
  private void receiveClear() {
    long now = clock.millis();
    if (!clearIsOnRecord.getAsBoolean()) {
      object("it is cleared, and that is not on record");
    }
    if (unansweredClear.until() > now) {
      object("it is cleared while an earlier clear may still act");
    }
    unanswered.forEach(
        (key, call) -> {
          if (call.until() > now) {
            object("it is cleared while a call for " + key + " may still act");
          }
        });
  }

  private void diesUncleared() {
    try {
      round.death().pass(Point.CLEAR, Side.AFTER);
    } catch (Death.ProcessDied e) {
      mayClearUntil();
      throw e;
    }
  }

  private void mayClearUntil() {
    if (actsLate) {
      unansweredClear = new Unanswered(round.number(), clock.millis() + deadline());
    }
  }

  private void empty() {
    table.clear();
    lastApplied.clear();
  }

  private Delivery write(Batch batch) throws Exception {
    Random random;
    synchronized (this) {
      tick();
      round.death().pass(Point.WRITE, Side.BEFORE);
      calls++;
      receive(batch);
      if (calls == round.cancelAt()) {
        cancel.run();
      }
      String keys = batch.changes().stream().map(ScriptedDestination::key).toList().toString();
      int repeat = repeats.merge(keys, 1, Integer::sum);
      random = new Random(seed * 1_000_003 + round.number() * 10_007L + keys.hashCode() + repeat);
      random.nextInt();
      try {
        return answer(batch, random);
      } finally {
        batch.changes().forEach(change -> inFlight.remove(key(change)));
      }
    }
  }

  private Delivery answer(Batch batch, Random random) throws Exception {
    Mood mood = round.mood();
    int dice = random.nextInt(100);
    if (dice < mood.unknown) {
      return noAnswer(batch, random);
    }
    dice -= mood.unknown;
    if (dice < mood.notApplied) {
      heard(batch, Call.NOT_APPLIED);
      diesUnheard(batch);
      throw random.nextInt(3) == 0
          ? new NotAppliedException("slow down", Duration.ofMillis(700))
          : new NotAppliedException("not now", (Throwable) null);
    }
    dice -= mood.notApplied;
    if (dice < mood.batchRejected) {
      heard(batch, batch.size() == 1 ? Call.REJECTED : Call.REJECTED_WITH_OTHERS);
      diesUnheard(batch);
      throw new BatchRejectedException("BATCH", "not like this");
    }
    dice -= mood.batchRejected;
    if (dice < mood.stopped) {
      heard(batch, Call.NOT_APPLIED);
      diesUnheard(batch);
      throw new StopRunException("QUOTA", "nothing more today");
    }
    Delivery.Builder delivery = Delivery.builder();
    for (Change change : batch.changes()) {
      answer(batch, change, random, delivery);
    }
    diesUnheard(batch);
    return delivery.build();
  }

  private void answer(Batch batch, Change change, Random random, Delivery.Builder delivery) {
    if (random.nextInt(100) >= round.mood().notAccepted) {
      if (apply(batch.action(), change)) {
        delivery.accepted(change);
        accepted.add(change.changeId());
        heard(change, Call.ACCEPTED);
      } else {
        delivery.skipped(change);
        heard(change, Call.SKIPPED);
      }
      return;
    }
    switch (random.nextInt(4)) {
      case 0, 1 -> {
        delivery.rejected(change, "ROW", "not this one");
        heard(change, Call.REJECTED);
      }
      case 2 -> {
        delivery.answer(
            change.changeId(), new Verdict.Rejected("BUSY", "locked", Verdict.Retry.THIS_RUN));
        heard(change, Call.REJECTED);
      }
      default -> {
        maybeApply(batch.action(), change, random);
        unheard(change, batch.size());
      }
    }
  }

  /** Gives no answer, or one that breaks the contract, after any part of the effect. */
  private @Nullable Delivery noAnswer(Batch batch, Random random) throws Exception {
    int how = random.nextInt(4);
    for (int i = 0; i < batch.size(); i++) {
      Change change = batch.changes().get(i);
      if (how == 1 || (how == 2 && i < batch.size() / 2)) {
        apply(batch.action(), change);
      } else if (how == 3) {
        maybeApply(batch.action(), change, random);
      }
      unheard(change, batch.size());
    }
    diesUnheard(batch);
    Change first = batch.changes().get(0);
    return switch (random.nextInt(8)) {
      case 0 -> null;
      case 1 -> Delivery.acceptedExcept().accepted(first).rejected(first, "X", "both").build();
      case 2 -> Delivery.acceptedExcept().answer("nobody asked", new Verdict.Accepted()).build();
      case 3 -> Delivery.builder().build();
      case 4 -> throw new IllegalStateException("the client broke");
      case 5 -> throw new StackOverflowError("the client broke badly");
      default -> throw new IOException("connection reset");
    };
  }

  /** The process may die before it hears the answer. */
  private void diesUnheard(Batch batch) {
    try {
      round.death().pass(Point.WRITE, Side.AFTER);
    } catch (Death.ProcessDied e) {
      long until = clock.millis() + deadline();
      batch.changes().forEach(change -> mayActUntil(key(change), until));
      throw e;
    }
  }

  private void maybeApply(Action action, Change change, Random random) {
    switch (random.nextInt(3)) {
      case 0 -> apply(action, change);
      case 1 -> {
        late(random, () -> apply(action, change));
      }
      default -> {}
    }
  }

  /** Something happens later, before the call's deadline. */
  private void late(Random random, Runnable effect) {
    if (actsLate) {
      late.add(new Late(clock.millis() + 1 + random.nextInt((int) deadline() - 2), effect));
    }
  }

  private void heard(Batch batch, Call call) {
    batch.changes().forEach(change -> heard(change, call));
  }

  private void heard(Change change, Call call) {
    sent.computeIfPresent(
        key(change),
        (key, before) ->
            new Sent(
                before.operation(),
                before.content(),
                before.id(),
                before.attempt(),
                append(before.calls(), call),
                before.until()));
  }

  private void unheard(Change change, int batchSize) {
    heard(change, batchSize == 1 ? Call.UNKNOWN_ALONE : Call.UNKNOWN);
    mayActUntil(key(change), clock.millis() + deadline());
  }

  private void mayActUntil(String key, long until) {
    if (!actsLate) {
      return;
    }
    unanswered.merge(
        key,
        new Unanswered(round.number(), until),
        (a, b) -> new Unanswered(b.round(), Math.max(a.until(), b.until())));
    sent.computeIfPresent(
        key,
        (k, before) ->
            new Sent(
                before.operation(),
                before.content(),
                before.id(),
                before.attempt(),
                before.calls(),
                Math.max(before.until(), until)));
  }

  private static List<Call> append(List<Call> calls, Call call) {
    List<Call> more = new ArrayList<>(calls);
    more.add(call);
    return List.copyOf(more);
  }

  /** Holds a call against what a destination may rely on. */
  private void receive(Batch batch) {
    Sync running = require(sync);
    long now = clock.millis();
    if (batch.size() > running.batchRows()) {
      object("a batch of " + batch.size() + " where " + running.batchRows() + " are allowed");
    }
    long until = reservedUntil.apply(batch).orElse(now + deadline());
    if (actsLate && until < now + deadline()) {
      object("a call begins whose reservation ends before its deadline");
    }
    if (unansweredClear.until() > now) {
      object("rows are sent while a clear may still act");
    }
    for (Change change : batch.changes()) {
      String key = key(change);
      if (!inFlight.add(key)) {
        object(key + " is in two calls at once, or twice in one");
      }
      if (batch.action() != running.action(change.operation())) {
        object(change.operation() + " is sent as " + batch.action());
      }
      Unanswered earlier = unanswered.get(key);
      if (earlier != null && earlier.round() != round.number() && earlier.until() > now) {
        object(key + " is sent while a call of an earlier run may still act");
      }
      String content = content(change);
      Meaning meaning = new Meaning(key, change.operation(), content);
      changes++;
      repeatedChanges += accepted.contains(change.changeId()) ? 1 : 0;
      Meaning known = meanings.putIfAbsent(change.changeId(), meaning);
      if (known != null && !known.equals(meaning)) {
        object("one change id for two changes: " + known + " and " + meaning);
      }
      long sequence = sequences.merge(key, change.sequence(), Math::max);
      if (sequence > change.sequence()) {
        object("the sequence of " + key + " went back");
      }
      Sent before = sent.get(key);
      Sent same =
          new Sent(change.operation(), content, change.changeId(), change.attempt(), List.of(), 0);
      if (before == null) {
        sent.put(key, same);
      } else if (!before.id().equals(change.changeId()) || before.attempt() != change.attempt()) {
        object(key + " is sent as two changes in one run");
      }
    }
  }

  private void object(String what) {
    objections.add(what);
  }

  /** Applies a change; false if there is nothing to do for it. */
  private boolean apply(Action action, Change change) {
    String key = key(change);
    String content = content(change);
    boolean present = table.containsKey(key);
    switch (action) {
      case INSERT -> {
        if (present) {
          return change.changeId().equals(lastApplied.get(key));
        }
        table.put(key, require(content));
      }
      case UPDATE -> {
        if (!present) {
          return false;
        }
        table.put(key, require(content));
      }
      case UPSERT -> table.put(key, require(content));
      case DELETE -> table.remove(key);
      case CLEAR -> table.computeIfPresent(key, (k, before) -> CLEARED);
    }
    lastApplied.put(key, change.changeId());
    return true;
  }

  /** Lets late calls act whose time has come. */
  private synchronized void tick() {
    long now = clock.millis();
    late.sort(Comparator.comparingLong(Late::at));
    while (!late.isEmpty() && late.get(0).at() <= now) {
      Late next = late.remove(0);
      lateCalls++;
      next.effect().run();
    }
  }

  private long deadline() {
    return require(sync).callDeadline().toMillis();
  }

  private static String key(Change change) {
    return require(change.key().text("k"));
  }

  private static @Nullable String content(Change change) {
    return change.operation() == Operation.REMOVED ? null : change.row().text("v");
  }

  private static <T> T require(@Nullable T value) {
    if (value == null) {
      throw new AssertionError("something is missing");
    }
    return value;
  }
}
