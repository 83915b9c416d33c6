/**
 * The destination that appends to a file of JSON lines: {@link io.fulmar.internal.lines.LinesFile}
 * does the work for {@link io.fulmar.JsonLinesDestination}.
 */
@NullMarked
package io.fulmar.internal.lines;

import org.jspecify.annotations.NullMarked;
