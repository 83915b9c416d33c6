package io.fulmar.harness;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the file of a {@link LoggedCrm} says. Immutable. */
public final class CrmLog {
  /** What became of a change. */
  public enum Fate {
    ACCEPTED,
    REJECTED,
    SKIPPED
  }

  /**
   * A change as it was sent.
   *
   * @param value null for a removal
   */
  public record Sent(String id, String operation, long key, @Nullable String value) {
    /** What is sent, whatever its id. */
    String what() {
      return operation + " " + key + "=" + value;
    }
  }

  /**
   * A call.
   *
   * @param fates what became of the changes; null if the process died, or nothing says so
   * @param answered whether it gave an answer
   */
  private record Call(
      long run, long at, List<Sent> sent, @Nullable List<Fate> fates, boolean answered) {
    boolean accepts(int i) {
      return answered && fates != null && fates.get(i) == Fate.ACCEPTED;
    }
  }

  private final List<Call> calls = new ArrayList<>();
  private final Map<Long, String> rows = new TreeMap<>();
  private final Map<Long, String> accepted = new TreeMap<>();
  private String step = "";
  private int steps;
  private long lastAt;

  private CrmLog() {}

  /** Reads a file. */
  public static CrmLog of(Path path) throws IOException {
    CrmLog log = new CrmLog();
    Map<String, Call> open = new LinkedHashMap<>();
    for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "step" -> {
          log.step = words[1];
          log.steps++;
        }
        case "time" -> log.lastAt = Math.max(log.lastAt, Long.parseLong(words[1]));
        case "put" -> {
          log.rows.put(Long.parseLong(words[1]), words[2]);
          log.accepted.put(Long.parseLong(words[1]), words[2]);
        }
        case "take" -> {
          log.rows.remove(Long.parseLong(words[1]));
          log.accepted.remove(Long.parseLong(words[1]));
        }
        case "clear" -> {
          log.rows.clear();
          log.accepted.clear();
        }
        case "call" -> open.put(words[1], call(words));
        case "done", "lost" -> {
          Call call = open.remove(words[1]);
          if (call == null) {
            throw new AssertionError("a call ends that has not begun: " + line);
          }
          log.end(call, words);
        }
        default -> throw new AssertionError("no such line: " + line);
      }
    }
    log.calls.addAll(open.values());
    return log;
  }

  private static Call call(String[] words) {
    List<Sent> sent = new ArrayList<>();
    for (int i = 4; i < words.length; i++) {
      String[] parts = words[i].split(":");
      sent.add(
          new Sent(
              parts[0],
              parts[1],
              Long.parseLong(parts[2]),
              parts[3].equals("-") ? null : parts[3]));
    }
    return new Call(Long.parseLong(words[2]), Long.parseLong(words[3]), sent, null, false);
  }

  private void end(Call begun, String[] words) {
    List<Fate> fates = new ArrayList<>();
    for (int i = 2; i < words.length; i++) {
      fates.add(Fate.valueOf(words[i]));
    }
    Call call = new Call(begun.run, begun.at, begun.sent, fates, words[0].equals("done"));
    calls.add(call);
    for (int i = 0; i < fates.size(); i++) {
      if (fates.get(i) == Fate.ACCEPTED) {
        put(rows, call.sent.get(i));
      }
      if (call.accepts(i)) {
        put(accepted, call.sent.get(i));
      }
    }
  }

  private static void put(Map<Long, String> rows, Sent sent) {
    if (sent.value == null) {
      rows.remove(sent.key);
    } else {
      rows.put(sent.key, sent.value);
    }
  }

  /** The last step that a process noted. */
  public String step() {
    return step;
  }

  /** What it holds. */
  public Map<Long, String> rows() {
    return new TreeMap<>(rows);
  }

  /** The version of each key that it said last that it accepts, removed ones left out. */
  public Map<Long, String> accepted() {
    return new TreeMap<>(accepted);
  }

  /** The latest moment in it, in milliseconds since 1970. */
  public long lastAt() {
    return Math.max(lastAt, calls.stream().mapToLong(Call::at).max().orElse(0));
  }

  /** How often a process began a step. */
  public int steps() {
    return steps;
  }

  /** How many changes it accepted in a run and later ones. */
  public long acceptedSince(long run) {
    long count = 0;
    for (Call call : calls) {
      for (int i = 0; call.run >= run && i < call.sent.size(); i++) {
        count += call.accepts(i) ? 1 : 0;
      }
    }
    return count;
  }

  /** How often a change was accepted that had been accepted before. */
  public int repeats() {
    Set<String> ids = new HashSet<>();
    int repeats = 0;
    for (Call call : calls) {
      for (int i = 0; i < call.sent.size(); i++) {
        repeats += call.accepts(i) && !ids.add(call.sent.get(i).id) ? 1 : 0;
      }
    }
    return repeats;
  }

  /**
   * What was sent again under another id.
   *
   * @param before what had been sent
   * @param run what that one sent in this run and later ones counts
   */
  public List<String> renamed(CrmLog before, long run) {
    Map<String, String> ids = new HashMap<>();
    before.calls.stream()
        .filter(call -> call.run >= run)
        .forEach(call -> call.sent.forEach(sent -> ids.put(sent.what(), sent.id)));
    return calls.stream()
        .filter(call -> call.run > before.lastRun())
        .flatMap(call -> call.sent.stream())
        .filter(sent -> !ids.getOrDefault(sent.what(), sent.id).equals(sent.id))
        .map(Sent::what)
        .toList();
  }

  private long lastRun() {
    return calls.stream().mapToLong(Call::run).max().orElse(0);
  }

  /** Keys that a run sent while a call of an earlier run could still act. */
  public List<String> early(Duration mayActFor) {
    List<String> early = new ArrayList<>();
    for (Call first : calls) {
      for (Call later : calls) {
        if (!first.answered
            && first.run < later.run
            && later.at <= first.at + mayActFor.toMillis()) {
          for (Sent sent : later.sent) {
            if (first.sent.stream().anyMatch(before -> before.key == sent.key)) {
              early.add(sent.what() + " in run " + later.run);
            }
          }
        }
      }
    }
    return early;
  }
}
