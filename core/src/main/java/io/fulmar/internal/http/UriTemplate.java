package io.fulmar.internal.http;

import io.fulmar.Row;
import io.fulmar.internal.json.NoFormException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A URI with columns of the key in braces, each of which gives way to its text, percent-encoded but
 * for unreserved characters (RFC 6570, section 3.2.2). Immutable.
 */
public final class UriTemplate {
  private static final Pattern COLUMN = Pattern.compile("\\{([^{}]+)}");
  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

  private final String text;
  private final List<String> columns;

  private UriTemplate(String text, List<String> columns) {
    this.text = text;
    this.columns = columns;
  }

  /**
   * A template below a URI.
   *
   * @param base an absolute URI
   * @param path what follows it; may have a query
   * @throws IllegalArgumentException if that is no URI, or leads elsewhere
   */
  public static UriTemplate of(URI base, String path) {
    String begin = base.toString();
    String bare = begin.endsWith("/") ? begin.substring(0, begin.length() - 1) : begin;
    String joined =
        path.isEmpty() ? begin : path.startsWith("?") ? begin + path : bare + slashed(path);
    List<String> columns = new ArrayList<>();
    Matcher matcher = COLUMN.matcher(joined);
    while (matcher.find()) {
      columns.add(matcher.group(1));
    }
    URI probe;
    try {
      probe = URI.create(matcher.replaceAll("x"));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("path does not make a URI", e);
    }
    if (probe.getRawFragment() != null || !probe.normalize().equals(probe)) {
      throw new IllegalArgumentException("path must have no fragment and no dot segments");
    }
    if (!String.valueOf(probe.getRawAuthority()).equals(base.getRawAuthority())) {
      throw new IllegalArgumentException("path must not lead to another host");
    }
    return new UriTemplate(joined, List.copyOf(columns));
  }

  private static String slashed(String path) {
    return path.startsWith("/") ? path : "/" + path;
  }

  /** The columns that it names. */
  public List<String> columns() {
    return columns;
  }

  /**
   * The URI of a key.
   *
   * @param key may be null if no column is named
   * @throws NoFormException if a column would leave a hole in the path: is NULL, empty or dots
   */
  URI expand(@Nullable Row key) throws NoFormException {
    Matcher matcher = COLUMN.matcher(text);
    StringBuilder uri = new StringBuilder();
    while (matcher.find()) {
      String column = matcher.group(1);
      String value = key == null ? null : key.text(column);
      if (value == null || value.isEmpty() || value.equals(".") || value.equals("..")) {
        throw new NoFormException("column " + column + " of the key cannot be part of a URI");
      }
      matcher.appendReplacement(uri, Matcher.quoteReplacement(encoded(column, value)));
    }
    return URI.create(matcher.appendTail(uri).toString());
  }

  private static String encoded(String column, String value) throws NoFormException {
    StringBuilder out = new StringBuilder();
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    if (!new String(bytes, StandardCharsets.UTF_8).equals(value)) {
      throw new NoFormException("column " + column + " holds half a surrogate pair");
    }
    for (byte b : bytes) {
      if (UNRESERVED.indexOf(b) >= 0) {
        out.append((char) b);
      } else {
        out.append('%')
            .append(Character.toUpperCase(Character.forDigit((b >> 4) & 0xf, 16)))
            .append(Character.toUpperCase(Character.forDigit(b & 0xf, 16)));
      }
    }
    return out.toString();
  }

  /** The template. */
  @Override
  public String toString() {
    return text;
  }
}
