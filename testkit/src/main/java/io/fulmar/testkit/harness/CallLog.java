package io.fulmar.testkit.harness;

import io.fulmar.Operation;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The calls of a destination in the order in which they began, each with what became of its
 * changes. What must hold for them whatever happens is looked at as they come in: a change id
 * stands for one change, and sequences grow per key. This class is threadsafe.
 */
final class CallLog {
  /** The content of a key that has left. */
  static final String ABSENT = "absent";

  /** What became of a change in a call. */
  enum Fate {
    ACCEPTED,
    REJECTED,
    SKIPPED,
    /** The call said that it has done nothing. */
    NOT_APPLIED,
    /** Nobody knows: the call threw, or said nothing of it. */
    UNKNOWN
  }

  /** A call; what is not final is guarded by the log. */
  static final class Call {
    final long run;
    final long beganAt;
    final List<Sent> sent;
    private final long number;
    private @Nullable List<Fate> fates;
    private long endedAt;
    private boolean doubtful;

    private Call(long number, long run, long beganAt, List<Sent> sent) {
      this.number = number;
      this.run = run;
      this.beganAt = beganAt;
      this.sent = List.copyOf(sent);
    }

    /** What became of its changes; null as long as it has not ended. */
    @Nullable List<Fate> fates() {
      return fates;
    }

    /** When it ended, in milliseconds since 1970; 0 if it has not. */
    long endedAt() {
      return endedAt;
    }

    /** Whether it took so long that the engine may not have waited for its answer. */
    boolean isDoubtful() {
      return doubtful;
    }

    boolean isAccepted(int i) {
      return fates != null && fates.get(i) == Fate.ACCEPTED;
    }
  }

  private final Consumer<String> lines;
  private final List<Call> calls = new ArrayList<>();
  private final Map<String, String> meanings = new HashMap<>();
  private final Map<String, Sent> newest = new HashMap<>();
  private final List<String> violations = new ArrayList<>();

  /**
   * An empty log.
   *
   * @param lines takes a line for each beginning and end, before this log has it
   */
  CallLog(Consumer<String> lines) {
    this.lines = lines;
  }

  /** A call begins. */
  synchronized Call begin(long run, List<Sent> sent, long at) {
    StringBuilder line = new StringBuilder("call " + (calls.size() + 1) + " " + run + " " + at);
    for (Sent each : sent) {
      line.append(' ')
          .append(each.id())
          .append(',')
          .append(each.operation())
          .append(',')
          .append(each.sequence())
          .append(',')
          .append(encoded(each.key()))
          .append(',')
          .append(encoded(each.content()));
    }
    lines.accept(line.toString());
    Call call = new Call(calls.size() + 1L, run, at, sent);
    calls.add(call);
    sent.forEach(this::look);
    return call;
  }

  /**
   * A call ends.
   *
   * @param doubtful whether the engine may have seen it otherwise, because it took long
   */
  synchronized void end(Call call, List<Fate> fates, long at, boolean doubtful) {
    StringBuilder line = new StringBuilder("done " + call.number + " " + at + " " + doubtful);
    fates.forEach(fate -> line.append(' ').append(fate));
    lines.accept(line.toString());
    call.fates = List.copyOf(fates);
    call.endedAt = at;
    call.doubtful = doubtful;
  }

  /**
   * Reads a line that a log has written.
   *
   * @param open the calls of that log by their numbers
   * @return the call that begins or ends
   */
  Call read(String line, Map<String, Call> open) {
    String[] words = line.split(" ");
    if (words[0].equals("call")) {
      List<Sent> sent = new ArrayList<>();
      for (String word : Arrays.asList(words).subList(4, words.length)) {
        String[] parts = word.split(",", -1);
        sent.add(
            new Sent(
                parts[0],
                Operation.valueOf(parts[1]),
                decoded(parts[3]),
                decoded(parts[4]),
                Long.parseLong(parts[2])));
      }
      Call call = begin(Long.parseLong(words[2]), sent, Long.parseLong(words[3]));
      open.put(words[1], call);
      return call;
    }
    Call call = open.get(words[1]);
    if (!words[0].equals("done") || call == null) {
      throw new IllegalArgumentException("a call ends that has not begun: " + line);
    }
    List<Fate> fates = Arrays.stream(words, 4, words.length).map(Fate::valueOf).toList();
    end(call, fates, Long.parseLong(words[2]), Boolean.parseBoolean(words[3]));
    return call;
  }

  private void look(Sent sent) {
    String before = meanings.putIfAbsent(sent.id(), sent.what());
    if (before != null && !before.equals(sent.what())) {
      violations.add("a change id stands for two changes: " + before + " and " + sent.what());
    }
    Sent last = newest.put(sent.key(), sent);
    if (last != null
        && (last.id().equals(sent.id())
            ? sent.sequence() < last.sequence()
            : sent.sequence() <= last.sequence())) {
      violations.add(
          "the sequence does not grow: %s had %s, then %s %s"
              .formatted(last.what(), last.sequence(), sent.what(), sent.sequence()));
    }
  }

  /** What did not hold. */
  synchronized List<String> violations() {
    return List.copyOf(violations);
  }

  /** How many calls have begun. */
  synchronized int size() {
    return calls.size();
  }

  /** How many calls have not ended. */
  synchronized long open() {
    return calls.stream().filter(call -> call.fates == null).count();
  }

  /** How many changes were sent, repeated ones included. */
  synchronized long changes() {
    return calls.stream().mapToLong(call -> call.sent.size()).sum();
  }

  /**
   * What the destination may have accepted last of each key that it has accepted anything of: one
   * content, or more where the engine may not have waited for an answer.
   */
  synchronized Map<String, Set<String>> accepted() {
    Map<String, Set<String>> accepted = new HashMap<>();
    for (Call call : calls) {
      for (int i = 0; i < call.sent.size(); i++) {
        if (call.isAccepted(i)) {
          Sent sent = call.sent.get(i);
          Set<String> contents =
              accepted.computeIfAbsent(sent.key(), key -> new HashSet<>(Set.of(ABSENT)));
          if (!call.doubtful) {
            contents.clear();
          }
          contents.add(sent.operation() == Operation.REMOVED ? ABSENT : sent.content());
        }
      }
    }
    return accepted;
  }

  /** The calls of a run. */
  synchronized List<Call> of(long run) {
    return calls.stream().filter(call -> call.run == run).toList();
  }

  /** How many changes of a run ended so in some call. */
  synchronized long count(long run, Fate fate) {
    Set<String> ids = new HashSet<>();
    for (Call call : of(run)) {
      List<Fate> fates = call.fates;
      for (int i = 0; fates != null && i < fates.size(); i++) {
        if (fates.get(i) == fate) {
          ids.add(call.sent.get(i).id());
        }
      }
    }
    return ids.size();
  }

  /** How many changes were sent in a run. */
  synchronized long sent(long run) {
    return of(run).stream().flatMap(call -> call.sent.stream()).map(Sent::id).distinct().count();
  }

  /** Whether the engine may have seen a call of a run otherwise than this log. */
  synchronized boolean isDoubtful(long run) {
    return of(run).stream().anyMatch(call -> call.doubtful || call.fates == null);
  }

  /** How often a change was accepted that had been accepted before. */
  synchronized int repeats() {
    Set<String> ids = new HashSet<>();
    int repeats = 0;
    for (Call call : calls) {
      for (int i = 0; i < call.sent.size(); i++) {
        if (call.isAccepted(i) && !ids.add(call.sent.get(i).id())) {
          repeats++;
        }
      }
    }
    return repeats;
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }
}
