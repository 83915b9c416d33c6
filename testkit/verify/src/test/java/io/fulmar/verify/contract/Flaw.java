package io.fulmar.verify.contract;

import io.fulmar.testkit.contract.DestinationContract;

/** What is wrong with a {@link MemoryDestination}: each breaks one rule of the contract. */
enum Flaw {
  /** Nothing. */
  NONE(""),
  D1_IDENTITY_CHANGES("the identity is another the second time"),
  D2_OLD_VALUE_STAYS("record 2 has \"b\" in t, and has to have \"c\""),
  D3_NULL_IS_LEFT_OUT("record 1 has \"text\" in t, and has to have NULL"),
  D4_INSERT_WRITES_OVER("the change of id 1 is accepted, and has to be skipped"),
  D5_UPDATE_CREATES("the change of id 2 is accepted, and has to be skipped"),
  D6_DELETE_REMOVES_THE_NEXT("there is no record 3"),
  D7_DELETE_OF_ABSENT_IS_REFUSED("the change of id 9 is rejected (NOT_FOUND"),
  D8_CLEAR_DELETES("there is no record 2"),
  D9_CLEAR_CREATES("there is a record 9, and has to be none"),
  D10_REPEAT_IS_REFUSED("the change of id 1 is rejected (DUPLICATE"),
  D11_SEQUENCE_IS_IGNORED("record 1 has \"older\" in t, and has to have \"newer\""),
  D12_WRITES_AT_CLOSE("there is no record 1"),
  D13_ANSWERS_FOR_ANOTHER_BATCH("which is not in the batch or was named before"),
  D13_LEAVES_CHANGE_OUT("1 of 5 changes have no answer"),
  D14_REFUSED_ROW_IS_ACCEPTED("the change of id 2 is accepted, and has to be rejected"),
  D15_REFUSAL_SHOWS_VALUE("the message of the refusal holds the value"),
  D16_NEGATIVE_ZERO_LOSES_ITS_SIGN("has \"0\" in f, and has to have \"-0\""),
  D17_TEXT_IS_STRIPPED("has \"\" in t, and has to have \" \""),
  D18_KEY_IS_A_DOUBLE("there is no record 9007199254740993"),
  D19_FEWER_ROWS("it threw java.io.IOException: too many rows"),
  D20_HALF_THE_BYTES("it threw java.io.IOException: too many bytes"),
  D21_LARGE_ROW_IS_UNKNOWN("it threw java.io.IOException: too large"),
  D22_HANGS_ON_INTERRUPT("the call has not ended after PT0.5S"),
  D22_REMEMBERS_WHAT_IT_DID_NOT_DO("there is no record 1"),
  D23_CANNOT_BE_INTERRUPTED("the call has not ended at its deadline of PT0.5S"),
  D24_CLOSES_ONCE("it threw java.lang.IllegalStateException: closed already"),
  D25_CLOSE_FAILS_TOO("close() threw IOException"),
  D26_CLEAR_LEAVES_ONE("there is a record 1, and has to be none"),
  D27_ONE_WRITER_AT_A_TIME("another writer is open"),
  D28_ANY_EXCEPTION("it threw java.io.IOException: out of reach"),
  D28_APPLIES_ALL_THE_SAME("there is a record 2, which was said not to be applied"),
  D28_MESSAGE_SHOWS_VALUE("the message of the NotAppliedException holds a value"),
  D29_CHANGES_THE_BYTES("the bytes of column y are others now"),
  D30_IDENTITY_SHOWS_SECRET("a secret shows in"),
  D31_CHECK_WRITES("there is a record 42, and has to be none");

  private final String found;

  Flaw(String found) {
    this.found = found;
  }

  /** The number of the rule that it breaks, as {@link DestinationContract} has it. */
  String rule() {
    return name().substring(0, Math.max(0, name().indexOf('_')));
  }

  /** What the message says of it. */
  String found() {
    return found;
  }
}
