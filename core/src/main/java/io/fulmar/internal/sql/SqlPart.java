package io.fulmar.internal.sql;

/** What a token of a {@link SqlTemplate} takes: text that has been made safe. */
public sealed interface SqlPart
    permits ColumnDefinition, ColumnExpression, CommentText, Identifier, QueryText, SqlFragment {

  /** The text as it stands in a statement. */
  String sql();
}
