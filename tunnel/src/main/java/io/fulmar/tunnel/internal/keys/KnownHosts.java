package io.fulmar.tunnel.internal.keys;

import io.fulmar.TunnelException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a known_hosts file says, all of it. Immutable. */
final class KnownHosts {
  /** What a line says of its key. */
  enum Mark {
    /** It is a host key of its hosts. */
    KEY,
    /** It signs the certificates of its hosts. */
    AUTHORITY,
    /** It must not be accepted any more. */
    REVOKED
  }

  /**
   * One line.
   *
   * @param number counted from 1
   * @param hosts which hosts it is about
   * @param mark what it says of the key
   * @param type the type of the key
   * @param key the key; null if its type is not one that is accepted here
   */
  record Line(int number, HostPatterns hosts, Mark mark, String type, @Nullable HostKey key) {}

  private final String source;
  private final List<Line> lines;

  private KnownHosts(String source, List<Line> lines) {
    this.source = source;
    this.lines = List.copyOf(lines);
  }

  /**
   * Reads a file.
   *
   * @param source what errors call it
   * @param text all of it
   * @throws TunnelException naming the line if one is malformed
   */
  static KnownHosts parse(String source, String text) {
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (String raw : text.lines().toList()) {
      number++;
      String line = raw.strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        try {
          lines.add(line(number, line));
        } catch (IllegalArgumentException e) {
          throw new TunnelException(
              TunnelException.Kind.HOST_KEY,
              "read " + source,
              "line %s is malformed: %s".formatted(number, e.getMessage()),
              "Correct or remove the line.",
              e);
        }
      }
    }
    return new KnownHosts(source, lines);
  }

  private static Line line(int number, String text) {
    String[] fields = text.split("[ \t]+");
    int at = 0;
    Mark mark = Mark.KEY;
    if (fields[0].startsWith("@")) {
      mark =
          switch (fields[0]) {
            case "@cert-authority" -> Mark.AUTHORITY;
            case "@revoked" -> Mark.REVOKED;
            default ->
                throw new IllegalArgumentException(
                    "its marker is neither @cert-authority nor @revoked");
          };
      at = 1;
    }
    if (fields.length < at + 3) {
      throw new IllegalArgumentException("it does not have hosts, key type and key");
    }
    HostPatterns hosts = HostPatterns.parse(fields[at]);
    String type = fields[at + 1];
    HostKey key = HostKey.TYPES.contains(type) ? HostKey.parse(type, fields[at + 2]) : null;
    return new Line(number, hosts, mark, type, key);
  }

  /** What errors call it. */
  String source() {
    return source;
  }

  /** The lines about a host. */
  List<Line> about(String name) {
    return lines.stream().filter(line -> line.hosts().matches(name)).toList();
  }
}
