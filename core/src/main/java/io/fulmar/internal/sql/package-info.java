/**
 * How Fulmar writes SQL: a {@link io.fulmar.internal.sql.SqlTemplate} is a constant whose tokens
 * take quoted names and nothing else.
 */
@NullMarked
package io.fulmar.internal.sql;

import org.jspecify.annotations.NullMarked;
