package io.fulmar;

import io.fulmar.internal.mapping.EditDistance;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The settings of a {@link Source} by name, from texts. */
final class SourceOptions {
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,12})(ms|s|min|m|h|d)");
  private static final Pattern LIST = Pattern.compile("\\s*,\\s*");
  private static final String URL = "url";

  private static final Map<String, BiConsumer<Source.Builder, String>> SETTERS = setters();

  private SourceOptions() {}

  private static Map<String, BiConsumer<Source.Builder, String>> setters() {
    Map<String, BiConsumer<Source.Builder, String>> setters = new TreeMap<>();
    setters.put("allowWeakAuthentication", flag(Source.Builder::allowWeakAuthentication));
    setters.put("connectTimeout", (b, text) -> b.connectTimeout(duration(text)));
    setters.put("database", Source.Builder::database);
    setters.put("host", Source.Builder::host);
    setters.put("hosts", (b, text) -> b.hosts(first(text), rest(text)));
    setters.put("insecureTls", (b, text) -> b.insecureTls(constant(Source.Tls.class, text)));
    setters.put("lockTimeout", (b, text) -> b.lockTimeout(duration(text)));
    setters.put("password", (b, text) -> b.password(Secret.of(text)));
    setters.put("planDeadline", (b, text) -> b.planDeadline(duration(text)));
    setters.put("poolSize", (b, text) -> b.poolSize(number(text)));
    setters.put("port", (b, text) -> b.port(number(text)));
    setters.put("requireChannelBinding", flag(Source.Builder::requireChannelBinding));
    setters.put("searchPath", (b, text) -> b.searchPath(first(text), rest(text)));
    setters.put("socketTimeout", (b, text) -> b.socketTimeout(duration(text)));
    setters.put("statementTimeout", (b, text) -> b.statementTimeout(duration(text)));
    setters.put(
        "targetServer", (b, text) -> b.targetServer(constant(Source.TargetServer.class, text)));
    setters.put("tlsClientCertificate", (b, text) -> b.tlsClientCertificate(path(text)));
    setters.put("tlsClientKey", (b, text) -> b.tlsClientKey(path(text)));
    setters.put("tlsKeyPassword", (b, text) -> b.tlsKeyPassword(Secret.of(text)));
    setters.put("tlsRootCertificate", (b, text) -> b.tlsRootCertificate(path(text)));
    setters.put("user", Source.Builder::user);
    setters.put("withoutTls", flag(Source.Builder::withoutTls));
    return setters;
  }

  static Source source(Map<String, String> options) {
    Objects.requireNonNull(options, "options");
    options.forEach(
        (name, value) -> {
          Objects.requireNonNull(name, "options");
          Objects.requireNonNull(value, "options");
          if (!name.equals(URL) && !SETTERS.containsKey(name)) {
            throw unknown(name);
          }
        });
    String url = options.get(URL);
    Source.Builder builder = url == null ? Source.builder() : Source.builder(url);
    // In the order of their names, so that the same map fails in the same way.
    new TreeMap<>(options)
        .forEach(
            (name, value) -> {
              if (!name.equals(URL)) {
                set(builder, name, value);
              }
            });
    return builder.build();
  }

  /** Sets one option; what is wrong with a value is said without it. */
  static void set(Source.Builder builder, String name, String value) {
    try {
      Objects.requireNonNull(SETTERS.get(name), name).accept(builder, value);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "Cannot use option '%s': %s.".formatted(name, e.getMessage()));
    }
  }

  private static IllegalArgumentException unknown(String name) {
    String nearest = nearest(name);
    return new IllegalArgumentException(
        "Cannot use option '%s': there is no such option. %s"
            .formatted(
                shown(name),
                nearest != null
                    ? "Did you mean '" + nearest + "'?"
                    : "There are " + URL + ", " + String.join(", ", SETTERS.keySet()) + "."));
  }

  /** What it is called may come from anywhere. */
  private static String shown(String name) {
    String plain = name.replaceAll("[^\\p{Graph}]", "?");
    return plain.length() > 60 ? plain.substring(0, 60) + "..." : plain;
  }

  /** The known name with the fewest typing errors, if they are few; null if there is none. */
  private static @Nullable String nearest(String name) {
    String wanted = plain(name);
    String best = null;
    int fewest = Math.max(2, wanted.length() / 3) + 1;
    for (String known : SETTERS.keySet()) {
      int distance = EditDistance.between(wanted, plain(known));
      if (distance < fewest) {
        fewest = distance;
        best = known;
      }
    }
    return best;
  }

  private static String plain(String name) {
    String cut = name.substring(0, Math.min(name.length(), 60));
    return cut.replaceAll("[-_.]", "");
  }

  private static BiConsumer<Source.Builder, String> flag(
      java.util.function.Consumer<Source.Builder> setter) {
    return (builder, text) -> {
      switch (text) {
        case "true" -> setter.accept(builder);
        case "false" -> {}
        default -> throw new IllegalArgumentException("it is true or false");
      }
    };
  }

  private static String first(String text) {
    return LIST.split(text.strip(), -1)[0];
  }

  private static String[] rest(String text) {
    String[] all = LIST.split(text.strip(), -1);
    return Arrays.copyOfRange(all, 1, all.length);
  }

  private static int number(String text) {
    if (!text.matches("[0-9]{1,9}")) {
      throw new IllegalArgumentException("it is a whole number");
    }
    return Integer.parseInt(text);
  }

  private static Path path(String text) {
    try {
      return Path.of(Checks.text("it", text, 4_096));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("it is the path of a file");
    }
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String text) {
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equals(text)) {
        return constant;
      }
    }
    throw new IllegalArgumentException("it is one of " + Arrays.toString(type.getEnumConstants()));
  }

  private static Duration duration(String text) {
    Matcher matcher = DURATION.matcher(text);
    if (matcher.matches()) {
      long count = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "ms" -> Duration.ofMillis(count);
        case "s" -> Duration.ofSeconds(count);
        case "h" -> Duration.ofHours(count);
        case "d" -> Duration.ofDays(count);
        default -> Duration.ofMinutes(count);
      };
    }
    try {
      return Duration.parse(text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "it is a duration with its unit: 500ms, 10s, 5min, 6h, 7d or PT10S");
    }
  }
}
