package io.fulmar.testkit.harness;

import io.fulmar.testkit.harness.CallLog.Call;
import io.fulmar.testkit.harness.CallLog.Fate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the processes of one life have noted, one after the other. Read once, then immutable. */
final class Story {
  /** Outcomes are on record at most this long after an answer, on a machine that is busy. */
  private static final long GROUPED_MILLIS = 1_000;

  /** A process of the life. */
  private static final class Chapter {
    private final Map<String, Integer> passes = new LinkedHashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private final List<Report> reports = new ArrayList<>();
    private final List<Recovery> recoveries = new ArrayList<>();

    /** How many calls had been begun when the source changed for the first time. */
    private int callsBeforeEdit = -1;

    private long diedAt;
  }

  private record Report(long run, long accepted, long skipped) {}

  private record Recovery(long run, long accepted) {}

  private final CallLog log = new CallLog(line -> {});
  private final List<Chapter> chapters = new ArrayList<>();
  private final Map<String, Sent> accepted = new HashMap<>();
  private final List<String> renamed = new ArrayList<>();
  private int edited;
  private int settled;
  private boolean ended;

  private Story() {}

  /** Reads a journal; without a file nothing has happened. */
  static Story read(Path journal) throws IOException {
    Story story = new Story();
    if (Files.exists(journal)) {
      Map<String, Call> open = new HashMap<>();
      for (String line : Files.readAllLines(journal, StandardCharsets.UTF_8)) {
        story.take(line, open);
      }
    }
    return story;
  }

  private void take(String line, Map<String, Call> open) {
    String[] words = line.split(" ");
    if (words[0].equals("process")) {
      chapters.add(new Chapter());
      open.clear();
      return;
    }
    Chapter chapter = chapters.get(chapters.size() - 1);
    switch (words[0]) {
      case "edited" -> {
        edited = Integer.parseInt(words[1]);
        if (chapter.callsBeforeEdit < 0) {
          chapter.callsBeforeEdit = chapter.calls.size();
        }
      }
      case "settled" -> settled = Integer.parseInt(words[1]);
      case "passed" -> chapter.passes.merge(words[1], 1, Integer::sum);
      case "died" -> chapter.diedAt = Long.parseLong(words[1]);
      case "report" ->
          chapter.reports.add(
              new Report(
                  Long.parseLong(words[1]), Long.parseLong(words[3]), Long.parseLong(words[4])));
      case "recovered" ->
          chapter.recoveries.add(new Recovery(Long.parseLong(words[1]), Long.parseLong(words[2])));
      case "call" -> chapter.calls.add(log.read(line, open));
      case "done" -> again(log.read(line, open));
      case "anew" -> accepted.clear();
      case "ended" -> ended = true;
      default -> throw new IllegalArgumentException("no such line: " + line);
    }
  }

  /** What a destination has accepted, it gets again under the same id or not at all. */
  private void again(Call call) {
    for (int i = 0; i < call.sent.size(); i++) {
      if (call.isAccepted(i)) {
        Sent now = call.sent.get(i);
        Sent last = accepted.put(now.key(), now);
        if (last != null && last.what().equals(now.what()) && !last.id().equals(now.id())) {
          renamed.add("another change id for " + now.what() + ", which was accepted before");
        }
      }
    }
  }

  /** The last edit that was made. */
  int edited() {
    return edited;
  }

  /** The last edit after which everything was settled. */
  int settled() {
    return settled;
  }

  /** Whether some process came to the end of the life. */
  boolean hasEnded() {
    return ended;
  }

  /** How many processes have died as they were told. */
  int deaths() {
    return (int) chapters.stream().filter(chapter -> chapter.diedAt > 0).count();
  }

  /** How often a change was accepted that had been accepted before. */
  int repeats() {
    return log.repeats();
  }

  /** How many changes were sent, repeated ones included. */
  long sent() {
    return chapters.stream()
        .flatMap(chapter -> chapter.calls.stream())
        .mapToLong(call -> call.sent.size())
        .sum();
  }

  /**
   * How often a process came past each step.
   *
   * @param process 0 for the first
   */
  Map<String, Integer> passes(int process) {
    return new LinkedHashMap<>(chapters.get(process).passes);
  }

  /**
   * What is not as it must be.
   *
   * @param batches rows in a batch times lanes
   */
  List<String> problems(int batches) {
    List<String> problems = new ArrayList<>(log.violations());
    problems.addAll(renamed);
    long mayRepeat = 0;
    Chapter dead = null;
    List<Call> earlier = new ArrayList<>();
    for (Chapter chapter : chapters) {
      for (Report report : chapter.reports) {
        compare(report, problems);
      }
      for (Recovery recovery : chapter.recoveries) {
        compare(recovery, earlier, dead == null ? batches : inFlight(dead, batches), problems);
      }
      if (dead != null) {
        for (Recovery recovery : chapter.recoveries) {
          renamed(dead, recovery.run, chapter, problems);
        }
      }
      mayRepeat +=
          chapter.calls.stream().filter(Call::isDoubtful).mapToLong(call -> call.sent.size()).sum();
      if (chapter.diedAt > 0) {
        mayRepeat += inFlight(chapter, batches);
        dead = chapter;
      } else {
        dead = null;
      }
      earlier.addAll(chapter.calls);
    }
    if (log.repeats() > mayRepeat) {
      problems.add(
          "%s changes were accepted again, and only %s were in flight when a process died"
              .formatted(log.repeats(), mayRepeat));
    }
    return problems;
  }

  private void compare(Report report, List<String> problems) {
    long accepted = log.count(report.run, Fate.ACCEPTED);
    boolean fits =
        log.isDoubtful(report.run)
            ? report.accepted <= accepted
            : report.accepted == accepted && report.skipped == log.count(report.run, Fate.SKIPPED);
    if (!fits) {
      problems.add(
          "run %s counts %s changes as accepted and %s as skipped; the destination accepted %s and skipped %s"
              .formatted(
                  report.run,
                  report.accepted,
                  report.skipped,
                  accepted,
                  log.count(report.run, Fate.SKIPPED)));
    }
  }

  /** A plan that was made by one run may be applied by a later one; it is told by the first. */
  private static void compare(
      Recovery recovery, List<Call> earlier, long inFlight, List<String> problems) {
    Set<String> ids = new HashSet<>();
    for (Call call : earlier) {
      for (int i = 0; call.run >= recovery.run && i < call.sent.size(); i++) {
        if (call.isAccepted(i)) {
          ids.add(call.sent.get(i).id());
        }
      }
    }
    int accepted = ids.size();
    if (recovery.accepted > accepted || recovery.accepted < accepted - inFlight) {
      problems.add(
          "of the interrupted run %s, %s changes were taken in as accepted; the destination accepted %s"
              .formatted(recovery.run, recovery.accepted, accepted));
    }
  }

  /** What was sent when a process died comes again under its id, unless the source moves on. */
  private static void renamed(Chapter dead, long interrupted, Chapter next, List<String> problems) {
    Map<String, String> ids = new HashMap<>();
    dead.calls.stream()
        .filter(call -> call.run >= interrupted)
        .forEach(call -> call.sent.forEach(sent -> ids.put(sent.what(), sent.id())));
    int calls = next.callsBeforeEdit < 0 ? next.calls.size() : next.callsBeforeEdit;
    for (Call call : next.calls.subList(0, calls)) {
      for (Sent sent : call.sent) {
        if (!ids.getOrDefault(sent.what(), sent.id()).equals(sent.id())) {
          problems.add("another change id for " + sent.what() + ", which was sent before");
        }
      }
    }
  }

  /** How many changes at most were answered, and not on record, when a process died. */
  private static long inFlight(Chapter dead, int batches) {
    long late =
        dead.calls.stream()
            .filter(call -> call.fates() == null || call.endedAt() > dead.diedAt - GROUPED_MILLIS)
            .mapToLong(call -> call.sent.size())
            .sum();
    return Math.max(late, batches);
  }
}
