package io.fulmar.internal.source;

import io.fulmar.Model;
import io.fulmar.ModelTable;
import io.fulmar.ModelValidation.Position;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.SqlText;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.ServerErrorMessage;

/**
 * The text of a model as the server gets it, and the way back: from where the server saw an error
 * to the line and column of what the application wrote. Immutable.
 */
final class ModelText {
  private static final int EXCERPT = 80;
  private static final int BEFORE = 40;

  private final String sent;

  /** What the application wrote, and where it begins in what is sent. */
  private final String written;

  private final int offset;

  private ModelText(String sent, String written, int offset) {
    this.sent = sent;
    this.written = written;
    this.offset = offset;
  }

  static ModelText of(Model model) {
    ModelTable table = model.table();
    if (table == null) {
      return new ModelText(withoutTerminator(model.sql()), model.sql(), 0);
    }
    String condition = table.condition();
    return condition == null
        ? new ModelText(model.sql(), "", 0)
        : new ModelText(model.sql(), condition, model.sql().lastIndexOf(condition));
  }

  /** A semicolon at the very end means nothing; anywhere else the server sees it. */
  private static String withoutTerminator(String sql) {
    String text = sql.stripTrailing();
    while (text.endsWith(";")) {
      text = text.substring(0, text.length() - 1).stripTrailing();
    }
    return text;
  }

  /** What is proven, and becomes part of statements. */
  String sent() {
    return sent;
  }

  /** What the application wrote: a query, or the condition of a table; empty for a whole table. */
  String written() {
    return written;
  }

  /**
   * Where the server saw an error.
   *
   * @param e what it said
   * @param statement what it was asked
   * @return null if it was not in what the application wrote
   */
  @Nullable Position position(SQLException e, String statement) {
    ServerErrorMessage server = SqlStates.serverMessage(e);
    if (server == null) {
      return null;
    }
    if (server.getInternalPosition() > 0) {
      // The proof runs it from within the server; so may a function of the model run another text.
      return sent.equals(server.getInternalQuery()) ? at(server.getInternalPosition(), 0) : null;
    }
    int begins = statement.indexOf("(\n" + sent + "\n");
    return server.getPosition() > 0 && begins >= 0 ? at(server.getPosition(), begins + 2) : null;
  }

  /** The place of a character of what the application wrote. */
  Position position(int at) {
    int from = 0;
    int line = 1;
    for (int i = 0; i < at; i++) {
      char c = written.charAt(i);
      boolean ofPair = c == '\r' && i + 1 < written.length() && written.charAt(i + 1) == '\n';
      if (c == '\n' || (c == '\r' && !ofPair)) {
        line++;
        from = i + 1;
      }
    }
    int to = at;
    while (to < written.length() && written.charAt(to) != '\n' && written.charAt(to) != '\r') {
      to++;
    }
    return new Position(
        line,
        written.codePointCount(from, at) + 1,
        SqlText.of(written).excerpt(from, at, to, BEFORE, EXCERPT));
  }

  /**
   * The server counts characters from 1; a character of Java may be half of one.
   *
   * @param position in the server's text
   * @param begins where that text has what is sent
   */
  private @Nullable Position at(int position, int begins) {
    // What stands before it in a statement of ours is ASCII.
    int characters = position - 1 - begins;
    if (characters < 0 || characters > sent.codePointCount(0, sent.length())) {
      return null;
    }
    int at = sent.offsetByCodePoints(0, characters) - offset;
    if (at < 0 || at > written.length()) {
      return null;
    }
    // The end of the text is shown where its last word ends.
    int end = written.stripTrailing().length();
    return end == 0 ? null : position(Math.min(at, end));
  }
}
