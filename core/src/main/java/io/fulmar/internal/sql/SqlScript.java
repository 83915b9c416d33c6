package io.fulmar.internal.sql;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** SQL for people to run, kept in files beside the classes that give it out. */
public final class SqlScript {
  private static final Pattern NAME = Pattern.compile("\\A/\\*.*?\\*/\\n");

  private SqlScript() {}

  /**
   * A script as a template. Only a class of the module that has the file can open it.
   *
   * @param name of the file
   * @param file its contents, which are read and closed; null if it is not there
   * @param tokens the names of the tokens
   */
  public static SqlTemplate read(String name, @Nullable InputStream file, String... tokens) {
    try (InputStream in = file) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing in the jar");
      }
      return SqlTemplate.of(new String(in.readAllBytes(), UTF_8), tokens);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A filled script as people see it, without the comment that names it. */
  public static String text(SqlTemplate filled) {
    return NAME.matcher(filled.sql()).replaceFirst("");
  }
}
