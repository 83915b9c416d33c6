package io.fulmar.testkit;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.RunOptions;
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
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A destination that lives in memory, writes down every call, and answers as the test says. It
 * never forgets a call, so a test can look at all of them in the end, and it is strict: whatever
 * Fulmar promises to destinations (one thread per writer, batches within the capabilities, each key
 * once in a batch, a change id that never stands for two changes) is checked at each call, and a
 * breach fails the call and is kept in {@link #violations()}.
 *
 * <pre>{@code
 * RecordingDestination crm = RecordingDestination.of("crm");
 * crm.whenKey(7L).reject("BAD").times(2);
 * SyncReport report = engine.run(Sync.builder("crm").model(customers).to(crm).build());
 * assert crm.changes(report.run()).size() == 10;
 * }</pre>
 *
 * <p>What it answers is said line by line ({@link #whenKey}, {@link #whenChange}, {@link #onCall}),
 * and a line that was not used is told by {@link #verifyScript}; for what no line is about, change
 * by change ({@link #verdicts}) or call by call ({@link #answers}).
 *
 * <p>This class is thread-safe.
 */
public final class RecordingDestination implements Destination {
  private static final Duration HANGS_WITHIN = Duration.ofSeconds(30);

  private final String identity;
  private final Capabilities capabilities;
  private final List<Call> calls = new ArrayList<>();
  private final List<String> violations = new ArrayList<>();
  private final Map<List<@Nullable String>, Row> contents = new LinkedHashMap<>();
  private final Map<String, String> meanings = new HashMap<>();
  private final Set<String> varying = new HashSet<>();
  private Answering answering = (run, batch) -> Delivery.allAccepted();
  private Clearing clearing = run -> {};
  private final List<ScriptLine> script = new ArrayList<>();
  private CountDownLatch go = new CountDownLatch(1);
  private int hanging;
  private int clears;

  private RecordingDestination(String identity, Capabilities capabilities) {
    this.identity = Objects.requireNonNull(identity, "identity");
    this.capabilities = Objects.requireNonNull(capabilities, "capabilities");
  }

  /**
   * A destination that takes every action, in batches of at most 1,000 rows and 4 MiB, four calls
   * at once, can be cleared, and accepts everything until told otherwise.
   *
   * @param identity see {@link Destination#identity}
   */
  public static RecordingDestination of(String identity) {
    return of(
        identity, Capabilities.builder().actions(EnumSet.allOf(Action.class)).canClear().build());
  }

  /**
   * A destination that accepts everything until told otherwise.
   *
   * @param identity see {@link Destination#identity}
   * @param capabilities what it takes; calls beyond that are violations
   */
  public static RecordingDestination of(String identity, Capabilities capabilities) {
    return new RecordingDestination(identity, capabilities);
  }

  /** Answers a call, or throws as a destination may. */
  @FunctionalInterface
  public interface Answering {
    /**
     * Answers a call; the batch has been written down already.
     *
     * @param run the run and lane that call
     * @param batch what is sent
     * @return the answer, which is passed on as it is, be it right or wrong
     * @throws Exception see {@link Writer}
     */
    Delivery answer(RunContext run, Batch batch) throws Exception;
  }

  /** Answers a clear: returns, and the destination is empty; or throws, and it is not. */
  @FunctionalInterface
  public interface Clearing {
    /**
     * Answers a clear.
     *
     * @param run the run that asks for it
     * @throws Exception see {@link Destination#clear}
     */
    void clear(RunContext run) throws Exception;
  }

  /**
   * A call that came in.
   *
   * @param run the run and lane that called
   * @param batch what was sent
   */
  public record Call(RunContext run, Batch batch) {}

  /**
   * Answers further calls change by change.
   *
   * @param verdict gives the verdict for a change; null leaves the change out of the answer, which
   *     makes its outcome unknown
   */
  public void verdicts(Function<Change, @Nullable Verdict> verdict) {
    Objects.requireNonNull(verdict, "verdict");
    answers(
        (run, batch) -> {
          Delivery.Builder delivery = Delivery.builder();
          for (Change change : batch.changes()) {
            Verdict given = verdict.apply(change);
            if (given != null) {
              delivery.answer(change.changeId(), given);
            }
          }
          return delivery.build();
        });
  }

  /**
   * Answers further calls as a whole.
   *
   * @param value called for each batch, by several threads at once if the capabilities say so
   */
  public synchronized void answers(Answering value) {
    answering = Objects.requireNonNull(value, "value");
  }

  /** Accepts everything in further calls, as at the beginning; the script stays. */
  public void acceptAll() {
    answers((run, batch) -> Delivery.allAccepted());
  }

  /**
   * Begins a line of the script, for the changes of one key.
   *
   * @param first the first column of the key, as its value or as PostgreSQL's text
   * @param more its further columns, in the order of the key
   */
  public ScriptLine whenKey(Object first, Object... more) {
    List<Object> columns = new ArrayList<>();
    columns.add(Objects.requireNonNull(first, "first"));
    columns.addAll(List.of(more));
    List<String> key = RunOptions.builder().key(columns.toArray()).build().keys().get(0);
    return line("whenKey(" + String.join(", ", key) + ")", change -> key(change).equals(key), 0);
  }

  /**
   * Begins a line of the script, for the changes that fulfil a condition.
   *
   * @param condition asked of each change that no earlier line is about
   */
  public ScriptLine whenChange(Predicate<Change> condition) {
    return line("whenChange(...)", Objects.requireNonNull(condition, "condition"), 0);
  }

  /**
   * Begins a line of the script, for all changes of one call.
   *
   * @param number of the call, 1 for the first one that this destination ever got
   */
  public ScriptLine onCall(int number) {
    if (number < 1) {
      throw new IllegalArgumentException("number must be at least 1, is " + number);
    }
    return line("onCall(" + number + ")", change -> true, number);
  }

  private synchronized ScriptLine line(String when, Predicate<Change> matches, int call) {
    ScriptLine line = new ScriptLine(this, when, matches, call);
    script.add(line);
    return line;
  }

  /**
   * Checks that everything in the script has happened: each answer as many times as {@link
   * ScriptLine#times} says, and at least once.
   *
   * @throws AssertionError if not; the message shows the lines, with the keys that the test gave
   */
  public void verifyScript() {
    List<String> left = unusedScript();
    if (!left.isEmpty()) {
      throw new AssertionError(
          "The script of %s was not played to its end, so this test does not show what it seems to:%n- %s"
              .formatted(identity, String.join(System.lineSeparator() + "- ", left)));
    }
  }

  /** The lines of the script that were not used, or not as often as they say; a copy. */
  public synchronized List<String> unusedScript() {
    return script.stream().map(ScriptLine::leftOver).filter(Objects::nonNull).toList();
  }

  /** Lets the calls go on that hang; they accept what they hold. Later ones hang again. */
  public synchronized void letGo() {
    go.countDown();
    go = new CountDownLatch(1);
  }

  /**
   * Waits until calls hang.
   *
   * @param calls how many, 1 or more
   * @throws IllegalStateException if they are fewer after 30 s
   * @throws InterruptedException if the thread is interrupted
   */
  public synchronized void awaitHanging(int calls) throws InterruptedException {
    long end = System.nanoTime() + HANGS_WITHIN.toNanos();
    while (hanging < calls) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new IllegalStateException(
            "%s calls hang instead of %s after %s s: look at the lines with hang()"
                .formatted(hanging, calls, HANGS_WITHIN.toSeconds()));
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  /** Answers further clears. */
  public synchronized void clearing(Clearing value) {
    clearing = Objects.requireNonNull(value, "value");
  }

  /** How often a clear was asked for. */
  public synchronized int clears() {
    return clears;
  }

  /**
   * Names columns that may be others when a change comes again under its id: number and time of the
   * run.
   *
   * @param columns as a destination gets them
   */
  public synchronized void varying(String... columns) {
    varying.addAll(List.of(columns));
  }

  /** All calls so far, in the order in which they came in; a copy. */
  public synchronized List<Call> calls() {
    return List.copyOf(calls);
  }

  /** All changes that came in so far, repeated ones included, in order; a copy. */
  public synchronized List<Change> changes() {
    return calls.stream().flatMap(call -> call.batch().changes().stream()).toList();
  }

  /**
   * The changes that came in during one run, repeated ones included, in order; a copy.
   *
   * @param run number of the run
   */
  public synchronized List<Change> changes(long run) {
    return calls.stream()
        .filter(call -> call.run().run() == run)
        .flatMap(call -> call.batch().changes().stream())
        .toList();
  }

  /**
   * What the destination holds: the rows that it accepted last and was not asked to delete, by the
   * text of their key columns; a copy. A cleared record is there with its key columns alone.
   */
  public synchronized Map<List<@Nullable String>, Row> contents() {
    return new LinkedHashMap<>(contents);
  }

  /** What Fulmar did that it promises not to do; a copy, empty in a test that passes. */
  public synchronized List<String> violations() {
    return List.copyOf(violations);
  }

  @Override
  public String type() {
    return "recording";
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public Writer open(RunContext run) {
    return new RecordingWriter(run);
  }

  @Override
  public void clear(RunContext run) throws Exception {
    Clearing answer;
    synchronized (this) {
      clears++;
      if (!capabilities.canClear()) {
        violated("a clear is asked for, which cannot be done");
      }
      answer = clearing;
    }
    answer.clear(run);
    synchronized (this) {
      contents.clear();
    }
  }

  /** Names the destination and counts the calls. */
  @Override
  public synchronized String toString() {
    return "RecordingDestination[" + identity + ", " + calls.size() + " calls]";
  }

  /** What the script makes of a call. */
  private record Scripted(
      ScriptLine.@Nullable Step effect,
      Map<String, @Nullable Verdict> verdicts,
      List<Change> others,
      Answering otherwise,
      CountDownLatch go) {}

  private synchronized Scripted note(RunContext run, Batch batch) {
    calls.add(new Call(run, batch));
    if (!capabilities.actions().contains(batch.action())) {
      violated("a batch asks for " + batch.action() + ", which is not taken");
    }
    if (batch.size() > capabilities.maxRows()) {
      violated("a batch has " + batch.size() + " rows");
    }
    Set<List<@Nullable String>> keys = new HashSet<>();
    for (Change change : batch.changes()) {
      check(batch.action(), change);
      if (!keys.add(key(change))) {
        violated("a batch holds a key twice");
      }
    }
    return play(batch);
  }

  private Scripted play(Batch batch) {
    Map<Change, ScriptLine> lines = new LinkedHashMap<>();
    Map<String, @Nullable Verdict> verdicts = new HashMap<>();
    List<Change> others = new ArrayList<>();
    for (ScriptLine line : script) {
      for (Change change : batch.changes()) {
        ScriptLine.Step step = line.stepFor(calls.size(), change);
        if (step != null && step.effect != null && !lines.containsKey(change)) {
          line.use(step);
          return new Scripted(step, Map.of(), List.of(), answering, go);
        }
        if (step != null) {
          lines.putIfAbsent(change, line);
        }
      }
    }
    for (Change change : batch.changes()) {
      ScriptLine line = lines.get(change);
      ScriptLine.Step step = line == null ? null : line.stepFor(calls.size(), change);
      if (line == null || step == null || step.effect != null) {
        others.add(change); // of this line, others have used up the answer
      } else {
        line.use(step);
        verdicts.put(change.changeId(), step.verdict);
      }
    }
    return new Scripted(null, verdicts, others, answering, go);
  }

  private Delivery answer(RunContext run, Batch batch, Scripted scripted) throws Exception {
    if (scripted.effect() != null) {
      return suffer(batch, scripted.effect(), scripted.go());
    }
    if (scripted.verdicts().isEmpty()) {
      return scripted.otherwise().answer(run, batch);
    }
    Delivery.Builder delivery = Delivery.builder();
    scripted
        .verdicts()
        .forEach(
            (id, verdict) -> {
              if (verdict != null) {
                delivery.answer(id, verdict);
              }
            });
    if (!scripted.others().isEmpty()) {
      Batch rest = new Batch(batch.action(), scripted.others());
      Delivery others = scripted.otherwise().answer(run, rest);
      verdicts(rest, others).forEach(delivery::answer);
    }
    return delivery.build();
  }

  private Delivery suffer(Batch batch, ScriptLine.Step step, CountDownLatch until)
      throws Exception {
    String words = "the script of the test: " + step.name;
    switch (Objects.requireNonNull(step.effect)) {
      case NOT_APPLIED ->
          throw step.retryAfter == null
              ? new NotAppliedException(words, (Throwable) null)
              : new NotAppliedException(words, step.retryAfter);
      case BATCH_REJECTED -> throw new BatchRejectedException(step.code, words);
      case STOP_RUN -> throw new StopRunException(step.code, words);
      case THROW_BEFORE -> throw new IOException(words);
      case THROW_AFTER -> {
        accept(batch, Delivery.allAccepted());
        throw new IOException(words);
      }
      case HANG -> hang(until);
      case HANG_ON -> hangOn(until);
    }
    return Delivery.allAccepted();
  }

  private synchronized void hangs(int more) {
    hanging += more;
    notifyAll();
  }

  private void hang(CountDownLatch until) throws InterruptedException {
    hangs(1);
    try {
      until.await();
    } finally {
      hangs(-1);
    }
  }

  private void hangOn(CountDownLatch until) {
    boolean interrupted = false;
    hangs(1);
    while (true) {
      try {
        until.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    hangs(-1);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The verdicts of an answer by change id. */
  private static Map<String, Verdict> verdicts(Batch batch, Delivery delivery) {
    Map<String, Verdict> named = new HashMap<>();
    delivery.answers().forEach(answer -> named.put(answer.changeId(), answer.verdict()));
    if (delivery.unnamed() == Delivery.Unnamed.ACCEPTED) {
      batch.changes().forEach(c -> named.putIfAbsent(c.changeId(), new Verdict.Accepted()));
    }
    return named;
  }

  private void check(Action action, Change change) {
    boolean removes = action == Action.DELETE || action == Action.CLEAR;
    if (removes != (change.operation() == Operation.REMOVED)) {
      violated(change.operation() + " came as " + action);
    }
    List<String> fixed =
        change.row().columns().stream().filter(column -> !varying.contains(column)).toList();
    String meaning = change.operation() + " " + key(change) + " " + texts(change.row(), fixed);
    String before = meanings.putIfAbsent(change.changeId(), meaning);
    if (before != null && !before.equals(meaning)) {
      violated("a change id stands for two changes");
    }
  }

  private synchronized void accept(Batch batch, @Nullable Delivery delivery) {
    if (delivery == null) {
      return;
    }
    Map<String, Verdict> verdicts = verdicts(batch, delivery);
    for (Change change : batch.changes()) {
      if (verdicts.get(change.changeId()) instanceof Verdict.Accepted) {
        if (batch.action() == Action.DELETE) {
          contents.remove(key(change));
        } else {
          contents.put(key(change), change.row());
        }
      }
    }
  }

  private synchronized void violated(String what) {
    violations.add(what);
    throw new IllegalStateException("Fulmar broke its promise to destinations: " + what);
  }

  private static List<@Nullable String> key(Change change) {
    return texts(change.key());
  }

  private static List<@Nullable String> texts(Row row) {
    return texts(row, row.columns());
  }

  private static List<@Nullable String> texts(Row row, List<String> columns) {
    List<@Nullable String> texts = new ArrayList<>();
    columns.forEach(column -> texts.add(row.text(column)));
    return texts;
  }

  private final class RecordingWriter implements Writer {
    private final RunContext run;
    private @Nullable Thread user;
    private boolean closed;

    RecordingWriter(RunContext run) {
      this.run = run;
    }

    @Override
    public Delivery write(Batch batch) throws Exception {
      use();
      Delivery delivery = answer(run, batch, note(run, batch));
      accept(batch, delivery);
      return delivery;
    }

    @Override
    public void close() {
      use();
      closed = true;
    }

    private synchronized void use() {
      if (closed) {
        violated("a writer is used after its end");
      }
      if (user != null && user != Thread.currentThread()) {
        violated("a writer is used by two threads");
      }
      user = Thread.currentThread();
    }
  }
}
