/**
 * The check of an engine and a sync: looks at source, state and destination, says what it found and
 * what to do, and leaves nothing behind. Begin with {@link io.fulmar.internal.check.EngineCheck}.
 */
@NullMarked
package io.fulmar.internal.check;

import org.jspecify.annotations.NullMarked;
