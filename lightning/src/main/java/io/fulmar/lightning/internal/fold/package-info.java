/**
 * What became of changes, noted as they are answered, and the one transaction that moves the state
 * forward by it.
 */
@NullMarked
package io.fulmar.lightning.internal.fold;

import org.jspecify.annotations.NullMarked;
