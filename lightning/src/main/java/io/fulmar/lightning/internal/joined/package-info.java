/**
 * Writing to a table of the source's own database in the transaction that notes the outcome: {@link
 * io.fulmar.lightning.internal.joined.JoinedTransactions} is the entry.
 */
@NullMarked
package io.fulmar.lightning.internal.joined;

import org.jspecify.annotations.NullMarked;
