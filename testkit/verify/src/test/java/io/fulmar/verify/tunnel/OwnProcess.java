package io.fulmar.verify.tunnel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What the kernel says of this process (proc(5)). */
final class OwnProcess {
  private static final Path FILES = Path.of("/proc/self/fd");
  private static final String LISTENING = "0A";

  private OwnProcess() {}

  /** How many files it has open, sockets included. */
  static int openFiles() {
    return links().size();
  }

  private static List<String> links() {
    try (Stream<Path> files = Files.list(FILES)) {
      return files.map(OwnProcess::target).filter(target -> !target.isEmpty()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (NoSuchFileException e) {
      // That which lists them.
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where it listens: address as the kernel writes it, a colon, and the port. */
  static Set<String> listening() {
    Set<String> own = new HashSet<>(links());
    Set<String> places = new TreeSet<>();
    for (String table : List.of("tcp", "tcp6")) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/self/net", table))) {
        lines
            .skip(1)
            .map(line -> line.strip().split("\\s+"))
            .filter(fields -> fields[3].equals(LISTENING))
            .filter(fields -> own.contains("socket:[" + fields[9] + "]"))
            .map(fields -> fields[1])
            .map(
                place -> {
                  int colon = place.lastIndexOf(':');
                  return place.substring(0, colon + 1)
                      + Integer.parseInt(place.substring(colon + 1), 16);
                })
            .forEach(places::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return places;
  }
}
