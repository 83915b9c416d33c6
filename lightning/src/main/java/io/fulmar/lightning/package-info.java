/**
 * The engine that finds changes inside PostgreSQL: plans are made and remembered by set-based
 * statements in schemas of their own, so that only the rows that changed leave the server. It needs
 * to write to those schemas and to nothing else.
 */
@NullMarked
package io.fulmar.lightning;

import org.jspecify.annotations.NullMarked;
