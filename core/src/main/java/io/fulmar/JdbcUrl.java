package io.fulmar;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fulmar.internal.postgres.DriverProperties;
import io.fulmar.internal.postgres.DriverProperties.Treatment;
import java.net.URLDecoder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes a JDBC URL apart, since what stands in one beats every setting that the driver is given. No
 * message shows a value: any may be the password, misplaced.
 */
final class JdbcUrl {
  private static final String PREFIX = "jdbc:postgresql:";
  private static final Pattern SERVERS = Pattern.compile("//([^/?#]*)(?:/([^?#]*))?");
  private static final Pattern SCHEMA =
      Pattern.compile("\\s*(?:\"((?:[^\"]|\"\")+)\"|([a-z_][a-z0-9_$]*))\\s*(?:,|$)");

  private JdbcUrl() {}

  /** What it says, as options of a source. */
  static Map<String, String> options(String url) {
    if (!url.startsWith(PREFIX)) {
      throw new IllegalArgumentException("jdbcUrl must begin with " + PREFIX);
    }
    Map<String, String> options = new LinkedHashMap<>();
    int query = url.indexOf('?');
    place(
        query < 0 ? url.substring(PREFIX.length()) : url.substring(PREFIX.length(), query),
        options);
    if (query >= 0) {
      for (String pair : url.substring(query + 1).split("&")) {
        if (!pair.isEmpty()) {
          property(pair, options);
        }
      }
    }
    return options;
  }

  private static void place(String text, Map<String, String> options) {
    if (text.contains("@")) {
      throw new IllegalArgumentException(
          "jdbcUrl must not name the user before the host; write ?user=... after the database");
    }
    Matcher servers = SERVERS.matcher(text);
    String database;
    if (servers.matches()) {
      hosts(servers.group(1), options);
      database = Objects.requireNonNullElse(servers.group(2), "");
    } else if (text.contains("/")) {
      throw new IllegalArgumentException(
          "jdbcUrl must read jdbc:postgresql://host:port/database?property=value");
    } else {
      options.put("host", "localhost");
      database = text;
    }
    if (!database.isEmpty()) {
      options.put("database", decoded(database));
    }
  }

  private static void hosts(String text, Map<String, String> options) {
    options.put("hosts", text.isEmpty() ? "localhost" : decoded(text));
  }

  private static void property(String pair, Map<String, String> options) {
    int equals = pair.indexOf('=');
    String name = decoded(equals < 0 ? pair : pair.substring(0, equals));
    String value = equals < 0 ? "" : decoded(pair.substring(equals + 1));
    Treatment treatment = DriverProperties.treatment(name);
    if (treatment instanceof Treatment.Taken taken) {
      String option = taken.option();
      options.put(option, converted(name, option, value));
    } else if (treatment instanceof Treatment.Forced forced) {
      if (!forced.value().equals(value)) {
        throw refused(name, forced.why());
      }
    } else if (treatment instanceof Treatment.Refused refused) {
      throw refused(name, refused.why());
    }
  }

  private static IllegalArgumentException refused(String name, String why) {
    return new IllegalArgumentException(
        "Cannot use property '%s' of the JDBC URL: %s.".formatted(name, why));
  }

  /** The driver counts seconds and has words of its own. */
  private static String converted(String name, String option, String value) {
    return switch (option) {
      case "connectTimeout", "socketTimeout" -> value + "s";
      case "targetServer" ->
          switch (value) {
            case "any" -> "ANY";
            case "primary", "master" -> "PRIMARY";
            case "secondary", "slave" -> "STANDBY";
            case "preferPrimary" -> "PREFER_PRIMARY";
            case "preferSecondary", "preferSlave" -> "PREFER_STANDBY";
            default ->
                throw refused(
                    name, "it is any, primary, secondary, preferPrimary or preferSecondary");
          };
      case "searchPath" -> schemas(name, value);
      default -> value;
    };
  }

  private static String schemas(String name, String value) {
    List<String> schemas = new ArrayList<>();
    Matcher schema = SCHEMA.matcher(value);
    int at = 0;
    while (schema.find(at) && schema.start() == at && at < value.length()) {
      String quoted = schema.group(1);
      String plain = quoted == null ? schema.group(2) : quoted.replace("\"\"", "\"");
      if (plain.contains(",")) {
        break;
      }
      schemas.add(plain);
      at = schema.end();
    }
    if (schemas.isEmpty() || at < value.length()) {
      throw refused(name, "it is a list of schemas; call searchPath(...) for unusual names");
    }
    return String.join(",", schemas);
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text, UTF_8);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("jdbcUrl must have two digits after each %");
    }
  }
}
