package io.fulmar;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What {@link SyncEngine#validate} found out about a model. Immutable; no value of a row is in it.
 *
 * @param model name of the model
 * @param columns the columns, in the order of the model; empty if the server refused the text
 * @param key names of the key's columns, in the order of the key
 * @param findings what is wrong or should be known; the errors come first
 */
public record ModelValidation(
    String model, List<ModelPreview.Column> columns, List<String> key, List<Finding> findings) {
  /** Copies the lists. */
  public ModelValidation {
    Objects.requireNonNull(model, "model");
    columns = List.copyOf(columns);
    key = List.copyOf(key);
    findings = List.copyOf(findings);
  }

  /** What a finding means for a run. */
  public enum Severity {
    /** A run is refused, or fails. */
    ERROR,
    /** A run works, and may do what nobody wants. */
    WARNING
  }

  /**
   * Something about a model.
   *
   * @param severity what it means for a run
   * @param fact what was found
   * @param remedy what to do about it
   * @param position where in the text of the query, or of the table's condition; null if it has no
   *     place there
   */
  public record Finding(
      Severity severity, String fact, String remedy, @Nullable Position position) {
    /** Checks that all parts are there. */
    public Finding {
      Objects.requireNonNull(severity, "severity");
      Objects.requireNonNull(fact, "fact");
      Objects.requireNonNull(remedy, "remedy");
    }

    /** The finding in one line: {@code fact (line 2, column 8). Remedy.} */
    public String text() {
      return fact + (position == null ? "" : " (" + position.text() + ")") + ". " + remedy + ".";
    }
  }

  /**
   * A place in the text that the application gave.
   *
   * @param line of the text, from 1; lines end with LF, CR LF or CR
   * @param column within the line, from 1, in characters (code points, as PostgreSQL counts)
   * @param excerpt at most 80 characters of the line around the place, with {@code ?} for each
   *     constant and comment
   */
  public record Position(int line, int column, String excerpt) {
    /** Checks that there is an excerpt. */
    public Position {
      Objects.requireNonNull(excerpt, "excerpt");
    }

    /** The place in words: {@code line 2, column 8}. */
    public String text() {
      return "line " + line + ", column " + column;
    }
  }

  /** Whether a run would not be refused: there is no error. */
  public boolean isUsable() {
    return findings.stream().noneMatch(finding -> finding.severity() == Severity.ERROR);
  }

  /**
   * Does nothing if the model {@link #isUsable}.
   *
   * @return this
   * @throws ConfigurationException with the first error
   */
  public ModelValidation throwIfRefused() {
    for (Finding finding : findings) {
      if (finding.severity() == Severity.ERROR) {
        throw new ConfigurationException(
            "Cannot use the model %s: %s [model=%s]".formatted(model, finding.text(), model));
      }
    }
    return this;
  }
}
