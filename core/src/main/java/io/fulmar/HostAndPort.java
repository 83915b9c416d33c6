package io.fulmar;

import java.util.Objects;

/**
 * One of the servers of a source.
 *
 * @param host a name or an address, without brackets
 * @param port 1 to 65535
 */
record HostAndPort(String host, int port) {
  static final int DEFAULT_PORT = 5432;
  private static final int MOST_BYTES = 253;

  /** A name or an address alone, with what a URL would take for something else refused. */
  static String host(String what, String value) {
    Checks.text(what, value, MOST_BYTES);
    String host =
        value.startsWith("[") && value.endsWith("]")
            ? value.substring(1, value.length() - 1)
            : value;
    if (host.isEmpty() || host.chars().anyMatch(HostAndPort::isForeign)) {
      throw new IllegalArgumentException(
          what + " must be the name or address of a host, without blanks, / ? # @ , and brackets");
    }
    return host;
  }

  private static boolean isForeign(int c) {
    return c <= ' ' || c == 0x7f || Character.isWhitespace(c) || "/?#@,[]%&=\\".indexOf(c) >= 0;
  }

  /** {@code host}, {@code host:port}, {@code [address]:port} or an IPv6 address. */
  static HostAndPort parse(String what, String value) {
    Objects.requireNonNull(value, what);
    int colon = value.lastIndexOf(':');
    boolean bracketed = value.startsWith("[");
    boolean withPort =
        bracketed
            ? colon > value.indexOf(']') && colon > 0
            : colon >= 0 && value.indexOf(':') == colon;
    if (!withPort) {
      return new HostAndPort(host(what, value), DEFAULT_PORT);
    }
    String port = value.substring(colon + 1);
    if (!port.matches("[0-9]{1,5}")) {
      throw new IllegalArgumentException(
          "the port in " + what + " must be a whole number, 1 to 65535");
    }
    return new HostAndPort(
        host(what, value.substring(0, colon)),
        Checks.inRange("port", Integer.parseInt(port), 1, 65_535));
  }

  /** {@code host:port}, with brackets round an IPv6 address. */
  @Override
  public String toString() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
