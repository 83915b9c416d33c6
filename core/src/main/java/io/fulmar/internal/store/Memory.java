package io.fulmar.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * What is remembered of one key.
 *
 * @param accepted the version that the destination accepted last; null for none
 * @param goneSince when the key was first found to have left the model without a removal being
 *     sent, in milliseconds since 1970; 0 if it is live
 * @param hold a change that was not accepted; null for none
 * @param until the moment until which a call for this key that gave no answer may still act, in
 *     milliseconds since 1970; 0 for none. It outlives the hold and the acceptance
 */
public record Memory(@Nullable Version accepted, long goneSince, @Nullable Hold hold, long until) {
  /** Nothing is remembered. */
  public static final Memory NONE = new Memory(null, 0, null, 0);

  /** Whether the key has left the model without a removal being sent. */
  public boolean gone() {
    return goneSince != 0;
  }

  /** Whether nothing is remembered, so that the key can be dropped. */
  public boolean isEmpty() {
    return accepted == null && hold == null && until == 0;
  }

  Memory withHold(@Nullable Hold newHold) {
    return new Memory(accepted, goneSince, newHold, until);
  }
}
