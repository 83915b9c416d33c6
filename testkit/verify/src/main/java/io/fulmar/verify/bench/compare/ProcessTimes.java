package io.fulmar.verify.bench.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What Linux tells of processes in {@code /proc}; where there is none, everything is NaN. See
 * proc(5).
 */
final class ProcessTimes {
  private static final Path PROC = Path.of("/proc");

  /** USER_HZ, which is 100 wherever Linux runs today. */
  private static final double TICKS_A_SECOND = 100;

  private static final int TRIES = 10;

  private static final int PARENT = 1;
  private static final int OWN = 11;
  private static final int OF_ENDED_CHILDREN = 13;

  private ProcessTimes() {}

  /**
   * A line of {@code /proc/<pid>/stat}.
   *
   * @param parent the parent's id
   * @param own processor time of the process in seconds
   * @param ofEndedChildren that of those children whose end it has taken notice of
   */
  record Line(long parent, double own, double ofEndedChildren) {
    /** The name in parentheses may hold blanks and parentheses itself. */
    static Line parse(String text) {
      String[] fields = text.substring(text.lastIndexOf(')') + 2).trim().split(" ");
      return new Line(
          Long.parseLong(fields[PARENT]),
          (Long.parseLong(fields[OWN]) + Long.parseLong(fields[OWN + 1])) / TICKS_A_SECOND,
          (Long.parseLong(fields[OF_ENDED_CHILDREN])
                  + Long.parseLong(fields[OF_ENDED_CHILDREN + 1]))
              / TICKS_A_SECOND);
    }
  }

  /** The parent of a process; 0 if nothing tells. */
  static long parent(long pid) {
    try {
      return Line.parse(Files.readString(PROC.resolve("%d/stat".formatted(pid)))).parent;
    } catch (IOException e) {
      return 0;
    }
  }

  /** The seconds of a process, of all that descend from it, and of those that have ended. */
  static double ofTree(long root) {
    Map<Long, Line> lines = lines();
    for (int i = 0; i < TRIES; i++) {
      Map<Long, Line> again = lines();
      if (Objects.equals(lines.get(root), again.get(root))) {
        break;
      }
      // A child's end was taken notice of meanwhile: it may be in neither.
      lines = again;
    }
    return lines.containsKey(root) ? ofTree(root, lines) : Double.NaN;
  }

  private static Map<Long, Line> lines() {
    Map<Long, Line> lines = new HashMap<>();
    for (Path each : list()) {
      try {
        lines.put(
            Long.valueOf(each.getFileName().toString()),
            Line.parse(Files.readString(each.resolve("stat"))));
      } catch (IOException e) {
        continue; // it has ended meanwhile
      }
    }
    return lines;
  }

  /** The same over lines that were read before. */
  static double ofTree(long root, Map<Long, Line> lines) {
    Set<Long> tree = new HashSet<>();
    tree.add(root);
    double seconds = 0;
    for (List<Long> level = List.of(root); !level.isEmpty(); ) {
      List<Long> next = new ArrayList<>();
      for (long pid : level) {
        Line line = lines.get(pid);
        seconds += line == null ? 0 : line.own + line.ofEndedChildren;
        lines.forEach(
            (id, of) -> {
              if (of.parent == pid && tree.add(id)) {
                next.add(id);
              }
            });
      }
      level = next;
    }
    return seconds;
  }

  /** The most that this process has had in memory since {@link #resetResident}, in bytes. */
  static double resident() {
    try {
      return resident(Files.readString(PROC.resolve("self/status")));
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  /** The line VmHWM of a status. */
  static double resident(String status) {
    return status
        .lines()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1_024.0)
        .findFirst()
        .orElse(Double.NaN);
  }

  /** Begins to look for the most anew; where that is refused, it is the most since the start. */
  static void resetResident() {
    try {
      Files.writeString(PROC.resolve("self/clear_refs"), "5");
    } catch (IOException e) {
      return; // then it stays what it is
    }
  }

  private static List<Path> list() {
    if (!Files.isDirectory(PROC)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(PROC)) {
      return all.filter(each -> each.getFileName().toString().matches("\\d+")).toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
