//! Calls cleared and refused from either side, with a dozen causes: each arrives as it was sent, and from where.

use crate::bench::{Bench, Manners, Told, ensure};
use isdn::{Cause, Location};

const CAUSES: [u8; 12] = [1, 16, 17, 18, 21, 27, 31, 34, 38, 41, 44, 102];

/// What libpri says of itself in either role: a private network next to the user.
const THEIR_LOCATION: Location = Location::PrivateLocal;

/// An Active call, whoever placed it, cleared by libpri.
pub fn by_them(bench: &mut Bench) -> Told {
    for from_here in [true, false] {
        for value in CAUSES {
            bench.connected(from_here, 7)?;
            bench.forget();
            bench.order(&format!("clear 7 {value}"));
            bench.finish();
            arrived_here(bench, value)?;
        }
    }
    Ok(())
}

/// An Active call, whoever placed it, cleared by us.
pub fn by_us(bench: &mut Bench) -> Told {
    for from_here in [true, false] {
        for value in CAUSES {
            let call = bench.connected(from_here, 7)?;
            bench.forget();
            bench.clear(call, value)?;
            bench.finish();
            arrived_there(bench, value, "disconnect")?;
        }
    }
    Ok(())
}

/// A call of ours that libpri does not take: at once with RELEASE COMPLETE (1, 34, 44), or with DISCONNECT after CALL PROCEEDING.
pub fn refused_by_them(bench: &mut Bench) -> Told {
    for value in CAUSES {
        bench.order(&format!("refuse {value}"));
        bench.forget();
        bench.dial(7)?;
        bench.finish();
        arrived_here(bench, value)?;
    }
    Ok(())
}

/// A call of libpri's that we do not take: at once with RELEASE COMPLETE, or with DISCONNECT after CALL PROCEEDING.
pub fn refused_by_us(bench: &mut Bench) -> Told {
    for value in CAUSES {
        for (manners, report) in [(Manners::Refuse(value), "ended"), (Manners::ProceedAndRefuse(value), "disconnect")] {
            bench.manners = manners;
            bench.forget();
            bench.be_called(7);
            bench.finish();
            arrived_there(bench, value, report)?;
        }
    }
    Ok(())
}

fn arrived_here(bench: &Bench, value: u8) -> Told {
    let [(cause, by_peer)] = bench.released()[..] else {
        return Err(format!("cause {value} from the far end ended no call, or several: {}", bench.situation()));
    };
    ensure!(cause.value == value, "cause {value} from the far end arrived as {}", cause.value);
    let Cause { location, .. } = cause;
    ensure!(location == THEIR_LOCATION, "cause {value} from the far end arrived as if from {location:?}");
    ensure!(by_peer, "cause {value} from the far end counts as ours");
    bench.only_active([], "after it cleared")
}

fn arrived_there(bench: &Bench, value: u8, report: &str) -> Told {
    let [(cause, by_peer)] = bench.released()[..] else {
        return Err(format!("our cause {value} ended no call, or several: {}", bench.situation()));
    };
    ensure!((cause, by_peer) == (bench.place.our_cause(value), false), "our cause {value} became {cause:?} here");
    let reports = bench.reports(report);
    let [told] = reports[..] else {
        return Err(format!("our cause {value} was not reported once by libpri as {report}: {}", bench.situation()));
    };
    ensure!(told["cause"] == value, "our cause {value} arrived as {}", told["cause"]);
    bench.only_active([], "after we cleared")
}
