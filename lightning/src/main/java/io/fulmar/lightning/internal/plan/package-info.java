/** Comparing a model with what was accepted in one statement, and reading back what came of it. */
@NullMarked
package io.fulmar.lightning.internal.plan;

import org.jspecify.annotations.NullMarked;
