package io.fulmar.internal.type;

/**
 * A value of several parts that came out of PostgreSQL and knows its text there, since the parts
 * alone do not tell: a list may be an array or a multirange, a map a composite or an hstore.
 */
sealed interface Texted permits TextedList, TextedMap {
  /** PostgreSQL's text of the whole. */
  String text();
}
