/*
 * The punch race of src/selftest/punch-race.ts for SPIN: one statement or d_step for each step there.
 *
 * PAGES and READERS are its size; FIXED takes the lock against fills; FAIR lets a waiting writer hold new readers back.
 */
#define FILLERS (READERS + 1)

byte cache[PAGES];                  /* which page is in the cache: 0 for none */
bool pageLocked[FILLERS * PAGES + 1];
byte pageState[FILLERS * PAGES + 1]; /* 0 until it is up to date, then one more than what it holds */
byte blockOf[PAGES];                /* one more than the block; 0 for a hole */
bool inUse[PAGES];
byte disk[PAGES];                   /* 1 is the file's own data, 2 a stranger's secret */
bool inodeLocked;
byte sharedHolders;
bool exclusiveHolder;
bool writerWaits;

inline fill(me, index) {
  page = 0;
  do
  :: page = cache[index];
     if
     :: page == 0 ->
#if FIXED
        d_step { (!exclusiveHolder && !writerWaits) -> sharedHolders++ }
#endif
        d_step {
          if
          :: cache[index] == 0 -> page = 1 + me * PAGES + index; cache[index] = page; pageLocked[page] = true
          :: else -> page = 0
          fi
        }
        if
        :: page != 0 ->
           block = blockOf[index];
           if
           :: block != 0 -> data = disk[block - 1]
           :: else -> data = 0
           fi;
           pageState[page] = data + 1;
           pageLocked[page] = false
        :: else
        fi;
#if FIXED
        sharedHolders--;
#endif
        if
        :: page != 0 -> break
        :: else
        fi
     :: else ->
        state = pageState[page];
        if
        :: state != 0 -> break
        :: else -> !pageLocked[page]
        fi
     fi
  od;
  state = pageState[page];
  assert(state != 3)
}

proctype Reader(byte me) {
  byte index, page, block, data, state;
  for (index : 0 .. PAGES - 1) {
    fill(me, index)
  }
}

proctype Fault(byte me) {
  byte page, block, data, state;
  fill(me, 1)
}

proctype Puncher() {
  byte index, page;
  d_step { !inodeLocked -> inodeLocked = true }
#if FIXED
#if FAIR
  writerWaits = true;
#endif
  d_step { (sharedHolders == 0 && !exclusiveHolder) -> exclusiveHolder = true; writerWaits = false }
#endif
  for (index : 0 .. PAGES - 1) {
    page = cache[index];
    if
    :: page != 0 ->
       d_step { !pageLocked[page] -> pageLocked[page] = true }
       cache[index] = 0;
       pageLocked[page] = false
    :: else
    fi
  }
  for (index : 0 .. PAGES - 1) {
    blockOf[index] = 0;
    inUse[index] = false;
    disk[index] = 2
  }
#if FIXED
  exclusiveHolder = false;
#endif
  inodeLocked = false
}

init {
  byte i;
  atomic {
    for (i : 0 .. PAGES - 1) {
      blockOf[i] = i + 1;
      inUse[i] = true;
      disk[i] = 1
    }
    run Puncher();
    for (i : 0 .. READERS - 1) {
      run Reader(i)
    }
    run Fault(READERS)
  }
}
