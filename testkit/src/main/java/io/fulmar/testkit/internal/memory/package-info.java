/**
 * The rows of a source in memory, in the form in which PostgreSQL sends them; {@link
 * io.fulmar.testkit.internal.memory.MemorySnapshots} gives them to an engine.
 */
@NullMarked
package io.fulmar.testkit.internal.memory;

import org.jspecify.annotations.NullMarked;
