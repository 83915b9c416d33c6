package io.fulmar.testkit;

import java.util.Locale;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the choice of a server goes by. A setting that is blank is not set.
 *
 * @param properties values by the names of system properties
 * @param variables values by the names of environment variables
 */
record Settings(
    UnaryOperator<@Nullable String> properties, UnaryOperator<@Nullable String> variables) {
  static Settings ofThisJvm() {
    return new Settings(System::getProperty, System::getenv);
  }

  @Nullable String get(String name) {
    String property = properties.apply(name);
    String value = property == null ? variables.apply(variable(name)) : property;
    return value == null || value.isBlank() ? null : value;
  }

  /** How a setting is called where it stands, for messages. */
  String placeOf(String name) {
    return properties.apply(name) == null && variables.apply(variable(name)) != null
        ? "the environment variable " + variable(name)
        : "the system property " + name;
  }

  /** The major version that is asked for; null if none is. */
  @Nullable Integer majorVersion() {
    String text = get(TestPostgres.VERSION_PROPERTY);
    if (text == null) {
      return null;
    }
    try {
      return Integer.valueOf(text);
    } catch (NumberFormatException e) {
      throw new IllegalStateException(
          "Cannot choose a PostgreSQL server: %s is not a major version. Give 17, say."
              .formatted(placeOf(TestPostgres.VERSION_PROPERTY)),
          e);
    }
  }

  int majorVersionOrDefault() {
    Integer asked = majorVersion();
    return asked == null ? TestPostgres.DEFAULT_MAJOR_VERSION : asked;
  }

  private static String variable(String name) {
    return name.toUpperCase(Locale.ROOT).replace('.', '_');
  }
}
