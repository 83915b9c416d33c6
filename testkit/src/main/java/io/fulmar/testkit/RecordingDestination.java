package io.fulmar.testkit;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
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
 * crm.verdicts(change -> change.key().value("id").equals(7)
 *     ? new Verdict.Rejected("BAD", "not this one", Verdict.Retry.NEXT_RUN)
 *     : new Verdict.Accepted());
 * SyncReport report = engine.run(Sync.builder("crm").model(customers).to(crm).build());
 * assert crm.changes(report.run()).size() == 10;
 * }</pre>
 *
 * <p>This class is thread-safe.
 */
public final class RecordingDestination implements Destination {
  private final String identity;
  private final Capabilities capabilities;
  private final List<Call> calls = new ArrayList<>();
  private final List<String> violations = new ArrayList<>();
  private final Map<List<@Nullable String>, Row> contents = new LinkedHashMap<>();
  private final Map<String, String> meanings = new HashMap<>();
  private final Set<String> varying = new HashSet<>();
  private Answering answering = (run, batch) -> Delivery.allAccepted();
  private Clearing clearing = run -> {};
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

  /** Accepts everything in further calls, as at the beginning. */
  public void acceptAll() {
    answers((run, batch) -> Delivery.allAccepted());
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

  private synchronized Answering note(RunContext run, Batch batch) {
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
    return answering;
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
    Map<String, Verdict> verdicts = new HashMap<>();
    delivery.answers().forEach(answer -> verdicts.put(answer.changeId(), answer.verdict()));
    Verdict unnamed =
        delivery.unnamed() == Delivery.Unnamed.ACCEPTED ? new Verdict.Accepted() : null;
    for (Change change : batch.changes()) {
      if (verdicts.getOrDefault(change.changeId(), unnamed) instanceof Verdict.Accepted) {
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
      Delivery delivery = note(run, batch).answer(run, batch);
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
