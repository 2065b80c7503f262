//! SETUP in both directions: what the owner says and is told, and the elements of the message.
//!
//! Data path: `content` → [`said`] → the owner; the owner's `dial` → [`write`] → a call's paper, the data link.
//! Source: Q.931 (05/98) clauses 3.1.14 and 4.5.1; tables 3-15 and 3-16; [`crate::variant`] for what exchanges want otherwise.

use super::channel::{ChannelIdentification, Selection};
use super::content::Content;
use super::desk::Settings;
use super::element::{self, BearerCapability, Display, id};
use super::facility::{CallingName, Facility, Form};
use super::message::{MessageType, Reference, write_start};
use crate::q921::Writer;
use crate::variant::NameBy;
use crate::{CallReference, ChannelChoice, Name, Presentation, Screening, Setup, Side};

/// What a SETUP that came in says, the choice of a channel having been settled.
pub(super) fn said(content: &Content, channel: ChannelChoice) -> Setup {
    Setup {
        called: content.called.clone().unwrap_or_default(),
        calling: content.calling.clone(),
        redirecting: content.redirecting.clone(),
        name: name_of(content),
        bearer: content.bearer.map(|capability| capability.bearer).unwrap_or_default(),
        channel,
        sending_complete: content.sending_complete,
    }
}

/// The caller's name. Facility says whether it may be shown, so it counts before Display.
fn name_of(content: &Content) -> Option<Name> {
    match &content.facility {
        Some(Facility { name: CallingName::Told(name), .. }) => Some(name.clone()),
        // What Display has may be all that will come.
        Some(Facility { name: CallingName::Follows, .. }) | None => {
            content.display.as_ref().map(|display| Name::new(&display.text)).filter(|name| !name.text.is_empty())
        }
    }
}

/// Writes a SETUP. The elements stand in ascending order (4.5.1), Sending Complete first (table 3-15).
pub(super) fn write(writer: &mut Writer<'_>, settings: &Settings, reference: CallReference, setup: &Setup) {
    let (row, interfaces) = (settings.row, &settings.interfaces);
    let network = settings.side == Side::Network;
    write_start(writer, Reference::Call(reference), MessageType::SETUP);
    if row.sending_complete || setup.sending_complete {
        writer.put(&[id::SENDING_COMPLETE]);
    }
    let bearer = BearerCapability { bearer: setup.bearer, a_law: interfaces.is_e1() };
    writer.put_element(id::BEARER_CAPABILITY, |writer| bearer.write(writer));
    let channel = match setup.channel {
        ChannelChoice::Preferred(channel) => Some(interfaces.identify(channel, false)),
        ChannelChoice::Exclusive(channel) => Some(interfaces.identify(channel, true)),
        // Towards the network it may be left out, towards the user it must be there (table 3-15).
        ChannelChoice::Any | ChannelChoice::None => {
            network.then_some(ChannelIdentification { interface: None, exclusive: false, selection: Selection::Any })
        }
    };
    if let Some(channel) = channel {
        writer.put_element(id::CHANNEL_IDENTIFICATION, |writer| channel.write(writer));
    }
    if let Some(name) = &setup.name {
        write_name(writer, row.calling_name, network, name);
    }
    if let Some(number) = &setup.calling {
        let provided = row.network_provided && !network && number.presentation == Presentation::Allowed;
        let screening = if provided { Screening::Network } else { number.screening };
        writer.put_element(id::CALLING_PARTY_NUMBER, |writer| element::write_number(writer, number, Some(screening)));
    }
    if !setup.called.digits.is_empty() {
        writer.put_element(id::CALLED_PARTY_NUMBER, |writer| element::write_number(writer, &setup.called, None));
    }
    if let Some(number) = &setup.redirecting {
        let screening = Some(number.screening);
        writer.put_element(id::REDIRECTING_NUMBER, |writer| element::write_number(writer, number, screening));
    }
}

/// A name goes from the network to the user (clause 3.1.14), and between private networks both ways.
fn write_name(writer: &mut Writer<'_>, by: NameBy, network: bool, name: &Name) {
    let facility = match by {
        NameBy::Display { character_set } if network => {
            if let Some(text) = name.shown() {
                writer.put_element(id::DISPLAY, |writer| Display::new(character_set, text).write(writer));
            }
            return;
        }
        NameBy::FacilityInSetup(form) if network || form == Form::Private => {
            Facility { form, name: CallingName::Told(name.clone()) }
        }
        NameBy::FacilityLater(form) if network => Facility { form, name: CallingName::Follows },
        NameBy::Nothing | NameBy::Display { .. } | NameBy::FacilityInSetup(_) | NameBy::FacilityLater(_) => return,
    };
    writer.put_element(id::FACILITY, |writer| writer.put(&facility.encode()));
}
